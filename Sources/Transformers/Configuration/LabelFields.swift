import JSON

/// The classes of a `config.json`: `id2label`, `label2id`, `num_labels`.
enum LabelFields {
    /// More classes than any data set has: a number beyond it is a mistake.
    private static let largestCount = 1_000_000

    /// The classes' names by index; `LABEL_0`, … where only their number is given; two where nothing is.
    ///
    /// - Throws: ``TransformersError`` where the map has gaps or the fields disagree.
    static func names(_ reader: ConfigurationReader) throws -> [String] {
        let names = try mappedNames(reader) ?? numberedNames(reader)
        if let count = reader.optional("num_labels"), count.intValue != names.count {
            throw reader.error(
                "num_labels", "must be the number of names in \"id2label\", \(names.count)", count)
        }
        try checkInverse(reader, names)
        return names
    }

    private static func numberedNames(_ reader: ConfigurationReader) throws -> [String] {
        guard reader.optional("num_labels") != nil else { return ["LABEL_0", "LABEL_1"] }
        let count = try reader.integer("num_labels", default: 2, in: 1...largestCount)
        return (0..<count).map { "LABEL_\($0)" }
    }

    private static func mappedNames(_ reader: ConfigurationReader) throws -> [String]? {
        guard let value = reader.optional("id2label") else { return nil }
        guard let map = value.objectValue, !map.isEmpty else {
            throw reader.error("id2label", "must be an object of names by index", value)
        }
        var names = [String?](repeating: nil, count: map.count)
        for (key, name) in map {
            // `Int` alone would also read a sign or leading zeros.
            guard let index = Int(key), String(index) == key, names.indices.contains(index) else {
                throw reader.error(
                    "\"id2label\" has the key \(JSONValue.string(key).serialized()); its \(map.count) keys "
                        + "must be \"0\" to \"\(map.count - 1)\"")
            }
            guard let text = name.stringValue else {
                throw reader.error("id2label", "must hold names as strings", name)
            }
            names[index] = text
        }
        return names.compactMap(\.self)
    }

    private static func checkInverse(_ reader: ConfigurationReader, _ names: [String]) throws {
        guard let value = reader.optional("label2id") else { return }
        guard let inverse = value.objectValue else {
            throw reader.error("label2id", "must be an object of indices by name", value)
        }
        for (index, name) in names.enumerated() where inverse[name]?.intValue != index {
            let found = inverse[name].map { $0.serialized() } ?? "no index"
            throw reader.error(
                "\"id2label\" calls class \(index) \(JSONValue.string(name).serialized()), \"label2id\" gives "
                    + "that name \(found); make the two agree")
        }
        guard inverse.count == names.count else {
            throw reader.error(
                "\"label2id\" has \(inverse.count) names, \"id2label\" \(names.count); make the two agree")
        }
    }
}
