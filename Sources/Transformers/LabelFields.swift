import JSON

/// The label map of a `config.json`: `id2label`, `label2id`, `num_labels`.
enum LabelFields {
    /// The classes' names by index; `LABEL_0`, … where only their number is given; two where nothing is.
    ///
    /// - Throws: ``TransformersError`` where the map has gaps or its two directions disagree.
    static func names(_ reader: ConfigurationReader) throws -> [String] {
        guard let value = reader.optional("id2label") else {
            let count = try reader.integer("num_labels", default: 2)
            guard count <= 1_000_000 else {
                throw reader.error("num_labels", "must be at most 1000000", .integer(count))
            }
            return (0..<count).map { "LABEL_\($0)" }
        }
        guard let map = value.objectValue, !map.isEmpty else {
            throw reader.error("id2label", "must be an object of names by index", value)
        }
        var names = [String?](repeating: nil, count: map.count)
        for (key, name) in map {
            guard let index = Int(key), names.indices.contains(index), names[index] == nil else {
                throw TransformersError(
                    "\(reader.source): \"id2label\" has the key \"\(key)\" where its \(map.count) keys must be "
                        + "0 to \(map.count - 1)")
            }
            guard let text = name.stringValue else {
                throw reader.error("id2label", "must hold names as strings", name)
            }
            names[index] = text
        }
        let complete = names.compactMap(\.self)
        guard Set(complete.map { Array($0.utf8) }).count == complete.count else {
            throw TransformersError("\(reader.source): \"id2label\" gives two classes the same name")
        }
        try checkInverse(reader, complete)
        return complete
    }

    private static func checkInverse(_ reader: ConfigurationReader, _ names: [String]) throws {
        guard let inverse = reader.optional("label2id")?.objectValue else { return }
        for (index, name) in names.enumerated() where inverse[name]?.intValue != index {
            let found = inverse[name]?.serialized() ?? "nothing"
            throw TransformersError(
                "\(reader.source): \"id2label\" calls class \(index) \"\(name)\", \"label2id\" gives that name "
                    + "\(found); make the two agree")
        }
        guard inverse.count == names.count else {
            throw TransformersError(
                "\(reader.source): \"label2id\" has \(inverse.count) names, \"id2label\" \(names.count); make the two agree"
            )
        }
    }
}
