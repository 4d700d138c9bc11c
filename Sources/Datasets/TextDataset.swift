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
        let stream = try TextStream(url, options: options)
        var rows: [TextRow] = []
        while let row = try stream.next() { rows.append(row) }
        let map =
            try stream.hasLabels ? labels ?? LabelMap(inferredFrom: rows.compactMap(\.label)) : nil
        let examples = try rows.map { row in
            TextExample(
                row.text, pair: row.pair, label: try map.flatMap { try stream.labelID(of: row, in: $0) })
        }
        return TextDataset(examples: examples, labels: map, source: stream.path, sha256: stream.sha256)
    }
}

extension TextDataset {
    /// Holds back a share of each class, chosen by the seed alone.
    ///
    /// - Throws: ``DatasetError`` where one of the parts would be empty.
    public func split(
        validationFraction: Double, seed: UInt64
    ) throws -> (train: TextDataset, validation: TextDataset) {
        let (train, validation) = try HoldOut.split(
            labels: examples.lazy.map { $0.label ?? -1 }, validationFraction: validationFraction, seed: seed,
            source: source)
        var parts = (train: self, validation: self)
        parts.train.examples = train.map { examples[Int($0)] }
        parts.validation.examples = validation.map { examples[Int($0)] }
        return parts
    }
}
