import Files
import Foundation

/// The examples of a text-classification task, as read from a file.
public struct TextDataset: Sendable {
    public var examples: [TextExample]
    /// The classes; `nil` where the file has no labels.
    public var labels: LabelMap?
    /// The path of the file.
    public var source: String
    /// SHA-256 of the file.
    public var sha256: String

    public init(examples: [TextExample], labels: LabelMap?, source: String, sha256: String) {
        self.examples = examples
        self.labels = labels
        self.source = source
        self.sha256 = sha256
    }

    /// Reads CSV, TSV or JSON lines, plain or gzip.
    ///
    /// - Parameters:
    ///   - url: The file; its name tells the format unless the options do.
    ///   - options: The columns and the format.
    ///   - labels: The classes that the file must keep to; `nil` takes the file's own: integers that count from 0
    ///     are class numbers, anything else is a name.
    /// - Throws: ``DatasetError`` that names the file, the line and what to do; `FileError` where there is none.
    public static func load(
        _ url: URL, options: DatasetOptions = DatasetOptions(), labels: LabelMap? = nil
    ) throws -> TextDataset {
        let path = url.path(percentEncoded: false)
        let file = try MappedFile(url)
        let bytes =
            try Gunzip.isCompressed(file.bytes) ? Gunzip.unpack(file.bytes, path: path) : Array(file.bytes)
        let reader = RecordReader(path: path, options: options)
        let rows =
            switch try options.format ?? format(of: url, path: path) {
            case .csv: try reader.delimited(bytes, delimiter: UInt8(ascii: ","))
            case .tsv: try reader.delimited(bytes, delimiter: UInt8(ascii: "\t"))
            case .jsonl: try reader.jsonLines(bytes)
            }
        guard !rows.isEmpty else { throw DatasetError(path, "there are no examples in this file") }
        let map = try rows[0].label == nil ? nil : labels ?? LabelMap(inferredFrom: rows.compactMap(\.label))
        let examples = try rows.map { row in
            TextExample(
                row.text, pair: row.pair, label: try map.flatMap { try id(of: row, in: $0, path: path) })
        }
        return TextDataset(
            examples: examples, labels: map, source: path, sha256: try Digest.sha256(ofFile: url))
    }

    private static func id(of row: RawExample, in map: LabelMap, path: String) throws -> Int? {
        guard let label = row.label else { return nil }
        guard let id = map.id(ofLabel: label) else {
            throw DatasetError(
                path, line: row.line,
                "unknown label '\(label)'; the labels are \(list(map.names)), in this order")
        }
        return id
    }

    private static func format(of url: URL, path: String) throws -> DatasetOptions.Format {
        let plain = url.pathExtension.lowercased() == "gz" ? url.deletingPathExtension() : url
        switch plain.pathExtension.lowercased() {
        case "csv": return .csv
        case "tsv", "tab": return .tsv
        case "jsonl", "json", "ndjson": return .jsonl
        default:
            throw DatasetError(
                path,
                "the file's name does not tell its format; name it .csv, .tsv or .jsonl (or these with .gz)")
        }
    }
}

extension TextDataset {
    /// Holds back a share of each class, chosen by the seed alone.
    ///
    /// - Throws: ``DatasetError`` where one of the parts would be empty.
    public func split(
        validationFraction: Double, seed: UInt64
    ) throws -> (train: TextDataset, validation: TextDataset) {
        var generator = SeededGenerator(seed: seed)
        var held = Set<Int>()
        let byClass = Dictionary(grouping: examples.indices) { examples[$0].label ?? -1 }
        for label in byClass.keys.sorted() {
            let shuffled = (byClass[label] ?? []).shuffled(seededBy: &generator)
            held.formUnion(shuffled.prefix(Int((Double(shuffled.count) * validationFraction).rounded())))
        }
        guard !held.isEmpty, held.count < examples.count else {
            throw DatasetError(
                source,
                "there are too few examples (\(examples.count)) to hold back \(validationFraction) of them; "
                    + "give a file with --validation")
        }
        var (train, validation) = (self, self)
        train.examples = examples.indices.filter { !held.contains($0) }.map { examples[$0] }
        validation.examples = examples.indices.filter { held.contains($0) }.map { examples[$0] }
        return (train, validation)
    }
}
