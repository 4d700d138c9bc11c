import JSON

/// The classes of a `config.json`: `id2label`, `label2id`, `num_labels`, read as transformers reads them.
struct LabelFields {
    /// The largest number of classes that is accepted; more than any data set has.
    private static let largestCount = 1_000_000

    /// The classes' names by index.
    let names: [String]
    /// Warnings about values of the fields that are ignored.
    private(set) var warnings: [String] = []

    /// Reads the fields. The names are those of `id2label`, unless `num_labels` is another number; `LABEL_0`,
    /// … where only the number is given; two classes where nothing is. `label2id` is not needed.
    ///
    /// - Throws: ``ArchitectureError`` where the map has gaps or a value that is not a name.
    init(_ reader: ConfigurationReader) throws {
        let count = try Self.count(reader)
        let mapped = try Self.mapped(reader)
        if let mapped, count == nil || count == mapped.names.count {
            names = mapped.names
            if !mapped.unnamed.isEmpty {
                warnings.append(
                    "\(reader.source): \"id2label\" has no name for \(Self.list(mapped.unnamed)); "
                        + "transformers' usual ones are taken")
            }
        } else {
            names = (0..<(count ?? 2)).map(Self.usualName)
            if let mapped, mapped.names != mapped.names.indices.map(Self.usualName) {
                warnings.append(
                    "\(reader.source): \"num_labels\" is \(names.count), but \"id2label\" has "
                        + "\(mapped.names.count) names; as in transformers the number counts, and the classes are "
                        + "called \(Self.list(names))")
            }
        }
        if let warning = Self.difference(reader, names) { warnings.append(warning) }
    }

    private static func usualName(_ index: Int) -> String { "LABEL_\(index)" }

    private static func list(_ names: [String]) -> String {
        names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
    }

    private static func count(_ reader: ConfigurationReader) throws -> Int? {
        guard let value = reader.optional("num_labels") else { return nil }
        guard let number = value.doubleValue.flatMap(Int.init(exactly:)), (1...largestCount).contains(number)
        else {
            throw reader.error("num_labels", "must be an integer from 1 to \(largestCount)", value)
        }
        return number
    }

    private static func mapped(_ reader: ConfigurationReader) throws -> (names: [String], unnamed: [String])?
    {
        guard let value = reader.optional("id2label") else { return nil }
        guard let map = value.objectValue, !map.isEmpty else {
            throw reader.error("id2label", "must be an object of names by index", value)
        }
        var names = [String?](repeating: nil, count: map.count)
        var unnamed: [String] = []
        for (key, name) in map {
            let digits = key.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard digits, let index = Int(key), names.indices.contains(index), names[index] == nil else {
                throw reader.error(
                    "\"id2label\" has the key \(JSONValue.string(key).serialized()); its \(map.count) keys "
                        + "must be \"0\" to \"\(map.count - 1)\"")
            }
            if name.isNull {
                names[index] = usualName(index)
                unnamed.append(usualName(index))
            } else if let text = text(name) {
                names[index] = text
            } else {
                throw reader.error("id2label", "must hold names", name)
            }
        }
        return (names.compactMap(\.self), unnamed)
    }

    /// Returns a name, which is sometimes written as a number, as Python prints it.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer, .number: value.serialized()
        case .bool(let flag): flag ? "True" : "False"
        case .null, .array, .object: nil
        }
    }

    /// Returns the warning for a `label2id` that contradicts the names; `nil` if there is none.
    private static func difference(_ reader: ConfigurationReader, _ names: [String]) -> String? {
        guard let value = reader.optional("label2id") else { return nil }
        let inverse = value.objectValue
        // Old versions of transformers left the default map in place.
        let isUsual = inverse.map { $0.keys.allSatisfy { $0.hasPrefix("LABEL_") } } ?? false
        if isUsual, names == names.indices.map(usualName) { return nil }
        let index = names.indices.first { index in inverse?[names[index]]?.doubleValue != Double(index) }
        guard let index else {
            return inverse?.count == names.count
                ? nil
                : "\(reader.source): \"label2id\" has \(inverse?.count ?? 0) names for \(names.count) classes; it is "
                    + "not needed, and \"id2label\" counts"
        }
        let name = JSONValue.string(names[index]).serialized()
        return "\(reader.source): \"id2label\" calls class \(index) \(name), \"label2id\" gives that name "
            + "\(inverse?[names[index]].map { $0.serialized() } ?? "no index"); \"id2label\" counts, as in transformers"
    }
}
