/// A row of a data file for token classification: a sentence as words, each with a tag.
public struct TaggedRow: Sendable, Equatable {
    /// The words, at least one.
    public var words: [String]
    /// The tag of each word, as it is written; `nil` where the row has none.
    public var tags: [String]?
    /// The text that the words were taken from, where the file holds texts with spans.
    public var text: String?
    /// The range of each word in the text, in Unicode scalars as Python counts them; empty if there is no text.
    public var offsets: [Range<Int>] = []
    /// The line on which the row begins, or in Parquet the row itself, counted from 1.
    public var line: Int
    /// The index of the row's file among those of the data set, counted from 0.
    public var file = 0
    /// The unit of ``line``.
    var unit = TextRow.Unit.line

    /// Makes a row.
    public init(words: [String], tags: [String]? = nil, line: Int) {
        self.words = words
        self.tags = tags
        self.line = line
    }
}

extension TaggedRow {
    /// The row itself, after checks.
    ///
    /// - Throws: ``DatasetError`` for a row without words or tags, for as many tags as there are not words, and for
    ///   tags that are none.
    func checked(_ path: String, _ options: TaggedOptions) throws -> TaggedRow {
        guard !words.isEmpty else {
            throw DatasetError(path, at: self, "the row has no words; remove it or fill it")
        }
        guard let tags else {
            guard options.allowsUntagged || !options.readsTags else {
                throw DatasetError(path, at: self, "the row has no tags; remove it or fill them in")
            }
            return self
        }
        guard tags.count == words.count else {
            throw DatasetError(
                path, at: self,
                "the row has \(words.count) word\(words.count == 1 ? "" : "s") but \(tags.count) "
                    + "tag\(tags.count == 1 ? "" : "s"); give every word one tag")
        }
        if let wrong = tags.first(where: { !options.takes(tag: $0) }) { throw noTag(wrong, path, line: nil) }
        return self
    }

    /// The error about a text in the position of a tag.
    func noTag(_ text: String, _ path: String, line: Int?) -> DatasetError {
        var row = self
        row.line = line ?? row.line
        return DatasetError(
            path, at: row,
            "'\(shown(text))' is no tag of an entity; write O, or B-, I-, E-, S-, L- or U- before a type, such as B-PER"
        )
    }
}

extension DatasetError {
    /// - Parameter row: The row that is wrong, which knows whether it is a line.
    init(_ path: String, at row: TaggedRow, _ reason: String) {
        self.init("\(path), \(row.unit.rawValue) \(row.line): \(reason)")
    }
}
