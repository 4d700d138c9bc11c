import Foundation

/// The examples of a text-classification task, as read from a file.
public struct TextDataset: Sendable {
    public var examples: [TextExample]
    /// The classes; `nil` where the file has no labels, or they are numbers.
    public var labels: LabelMap?
    /// The kind of label that the examples have.
    public var labelForm: DatasetOptions.LabelForm
    /// The path of the file.
    public var source: String
    /// SHA-256 of the file.
    public var sha256: String

    public init(
        examples: [TextExample], labels: LabelMap?, source: String, sha256: String,
        labelForm: DatasetOptions.LabelForm = .name
    ) {
        self.examples = examples
        self.labels = labels
        self.source = source
        self.sha256 = sha256
        self.labelForm = labelForm
    }

    /// Reads CSV, TSV or JSON lines, plain or gzip, or Parquet.
    ///
    /// - Parameters:
    ///   - url: The file; its name determines the format unless the options do.
    ///   - options: The columns and the format.
    ///   - labels: The classes that the file must keep to; `nil` takes the file's own: those it names, else integers that
    ///     count from 0 are class numbers, anything else is a name.
    /// - Throws: ``DatasetError`` that names the file, the line and what to do; `FileError` where there is none.
    public static func load(
        _ url: URL, options: DatasetOptions = DatasetOptions(), labels: LabelMap? = nil
    ) throws -> TextDataset {
        let stream = try TextStream(url, options: options)
        var rows: [TextRow] = []
        while let row = try stream.next() { rows.append(row) }
        let form = options.labelForm
        if form == .set, options.labelSetCoding == nil {
            var detector = LabelSetCoding.Detector()
            for row in rows where !detector.add(row) { break }
            stream.labelSetCoding = try detector.coding(
                for: labels ?? stream.classNames.map { try LabelMap(names: $0) }, path: stream.path(of:),
                source: stream.path)
        }
        let map =
            try stream.hasLabels && form != .number
            ? labels ?? stream.classNames.map { try LabelMap(names: $0) }
                ?? stream.inferredMap(rows.flatMap { $0.labelSet ?? [$0.label].compactMap(\.self) })
            : nil
        let examples = try rows.map { row in
            TextExample(
                row.text, pair: row.pair,
                label: form == .name ? try map.flatMap { try stream.labelID(of: row, in: $0) } : nil,
                labelSet: form == .set ? try map.flatMap { try stream.labelIDs(of: row, in: $0) } : nil,
                value: form == .number ? try stream.value(of: row) : nil)
        }
        return TextDataset(
            examples: examples, labels: map, source: stream.path, sha256: stream.sha256, labelForm: form)
    }
}

extension TextDataset {
    /// Holds out a fraction of each class, or of all labeled examples where labels are sets or numbers, chosen by the
    /// seed alone. Examples without a label stay in the training part.
    ///
    /// - Throws: ``DatasetError`` where one of the parts would be empty.
    public func split(
        validationFraction: Double, seed: UInt64
    ) throws -> (train: TextDataset, validation: TextDataset) {
        let none = examples.contains(where: \.isLabeled) ? HoldOut.unlabelled : 0
        let (train, validation) = try HoldOut.split(
            labels: examples.lazy.map { $0.isLabeled ? $0.label ?? 0 : none },
            validationFraction: validationFraction, seed: seed, source: source)
        var parts = (train: self, validation: self)
        parts.train.examples = train.map { examples[Int($0)] }
        parts.validation.examples = validation.map { examples[Int($0)] }
        return parts
    }
}
