import Files
import Foundation

/// Labels that a model gives to texts without having been trained on them, each in a template: to a model of natural language inference
/// the hypothesis of a text (Yin, Hay and Roth, arXiv 1909.00161), to a model for embeddings a text whose vector is compared.
public struct ZeroShotOptions: Sendable, Equatable {
    /// The labels.
    public var labels: [String]
    /// The hypothesis, with `{}` in the place of a label.
    public var template: String
    /// True if labels do not exclude one another.
    public var isMultiLabel: Bool
    /// What cosines are multiplied by to be logits, of a model for embeddings; `nil` for ``usualScale``.
    public var scale: Double?

    /// The template where none is given, as in transformers.
    public static let usualTemplate = "This example is {}."

    /// The scale where none is given, as sentence-transformers trains with.
    public static let usualScale = 20.0
    /// The scales whose scores still tell labels apart.
    public static let scales = 0.001...100_000

    /// - Throws: ``DistillationError`` for a template without one `{}`, for too few labels and for one that occurs twice, and for a scale
    ///   beyond ``scales``.
    public init(
        labels: [String], template: String = Self.usualTemplate, isMultiLabel: Bool = false,
        scale: Double? = nil
    ) throws {
        if let scale, !Self.scales.contains(scale) {
            throw DistillationError(
                "scale must be a number from \(Self.scales.lowerBound) to \(Self.scales.upperBound), such as \(Self.usualScale), got "
                    + "\(scale)")
        }
        let count =
            template.utf8.split(separator: UInt8(ascii: "{"), omittingEmptySubsequences: false).count - 1
        guard count == 1, template.contains("{}"),
            template.utf8.count(where: { $0 == UInt8(ascii: "}") }) == 1
        else {
            throw DistillationError(
                "template must have one {} in the place of the label, such as '\(Self.usualTemplate)', got '\(template)'"
            )
        }
        guard labels.count > (isMultiLabel ? 0 : 1) else {
            throw DistillationError(
                "labels: there \(labels.count == 1 ? "is one label" : "are none"); give two or more, a line each, or one with "
                    + "--multi-label")
        }
        var seen: Set<[UInt8]> = []
        for label in labels where !seen.insert(Array(label.utf8)).inserted {
            throw DistillationError("labels: '\(label)' occurs twice; remove one of both")
        }
        (self.labels, self.template) = (labels, template)
        (self.isMultiLabel, self.scale) = (isMultiLabel, scale)
    }

    /// Reads the labels of a file, one a line; empty lines do not count.
    ///
    /// - Throws: `FileError` for a file that cannot be read; ``DistillationError``.
    public init(
        labelsIn file: URL, template: String = Self.usualTemplate, isMultiLabel: Bool = false,
        scale: Double? = nil
    ) throws {
        let path = file.path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path) else { throw FileError.missing(path) }
        let bytes = try Data(contentsOf: file)
        let content = bytes.dropFirst(ByteOrderMark.length(in: bytes))
        guard let text = String(validating: content, as: UTF8.self) else {
            throw DistillationError("\(path): the bytes are not UTF-8; write the file anew")
        }
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        try self.init(
            labels: lines.filter { !$0.isEmpty }, template: template, isMultiLabel: isMultiLabel, scale: scale
        )
    }

    /// The hypothesis of a label.
    func hypothesis(_ label: String) -> String {
        guard let place = template.range(of: "{}") else { return template }
        return template.replacingCharacters(in: place, with: label)
    }
}
