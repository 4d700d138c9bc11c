/// Turns the bytes of a data file into sentences with tags, one at a time.
protocol TaggedReader {
    /// True if a row so far had a field for tags.
    var hasTags: Bool { get }
    /// The columns' names, or numbers where they have none; known once there has been a row.
    var columnNames: [String] { get }
    /// The names of the tags by their numbers, where the file itself has them.
    var tagNames: [String]? { get }

    /// - Returns: The next row; `nil` at the end.
    /// - Throws: ``DatasetError``.
    mutating func next() throws -> TaggedRow?
}

extension TaggedReader {
    var tagNames: [String]? { nil }
}

/// The usual names of columns.
enum TaggedColumns {
    static let words = ["tokens", "words", "token", "word"]
    static let tags = ["ner_tags", "tags", "labels", "ner", "label", "tag"]
    static let texts = ["text", "sentence", "content"]
    static let spans = ["entities", "spans", "labels", "label"]

    /// The tags that numbers denote.
    ///
    /// - Throws: ``DatasetError`` for a number without a name, and where there are no names.
    static func tag(_ number: Int, of names: [String]?, _ path: String, _ row: TaggedRow) throws -> String {
        guard let names else {
            throw DatasetError(
                path, at: row,
                "the tags are integers, and nothing says which tags they are; give their names in order, or write the "
                    + "tags as strings")
        }
        guard names.indices.contains(number) else {
            throw DatasetError(
                path, at: row,
                "the tag \(number) has no name; there are names for 0 to \(names.count - 1): \(list(names))")
        }
        return names[number]
    }
}
