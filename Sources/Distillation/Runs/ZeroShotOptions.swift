import Files
import Foundation

/// Labels that a model of natural language inference gives to texts without having been trained on them: a text is the premise, a
/// label in a template the hypothesis (Yin, Hay and Roth, arXiv 1909.00161).
public struct ZeroShotOptions: Sendable, Equatable {
    /// The labels.
    public var labels: [String]
    /// The hypothesis, with `{}` in the place of a label.
    public var template: String
    /// True if labels do not exclude one another.
    public var isMultiLabel: Bool

    /// The template where none is given, as in transformers.
    public static let usualTemplate = "This example is {}."

    /// - Throws: ``DistillationError`` for a template without one `{}`, for too few labels and for one that occurs twice.
    public init(labels: [String], template: String = Self.usualTemplate, isMultiLabel: Bool = false) throws {
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
        (self.labels, self.template, self.isMultiLabel) = (labels, template, isMultiLabel)
    }

    /// Reads the labels of a file, one a line; empty lines do not count.
    ///
    /// - Throws: `FileError` for a file that cannot be read; ``DistillationError``.
    public init(
        labelsIn file: URL, template: String = Self.usualTemplate, isMultiLabel: Bool = false
    ) throws {
        let path = file.path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path) else { throw FileError.missing(path) }
        guard let text = try String(validating: Data(contentsOf: file), as: UTF8.self) else {
            throw DistillationError("\(path): the bytes are not UTF-8; write the file anew")
        }
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        try self.init(
            labels: lines.filter { !$0.isEmpty }, template: template, isMultiLabel: isMultiLabel)
    }

    /// The hypothesis of a label.
    func hypothesis(_ label: String) -> String {
        guard let place = template.range(of: "{}") else { return template }
        return template.replacingCharacters(in: place, with: label)
    }
}

/// The classes of a model of natural language inference.
struct EntailmentClasses: Equatable {
    let entailment: Int
    let contradiction: Int

    /// - Parameters:
    ///   - names: The names of the model's classes; their case does not count.
    ///   - path: The model, for errors.
    /// - Throws: ``DistillationError`` for a model without entailment.
    init(_ names: [String], of path: String) throws {
        let plain = names.map { $0.lowercased() }
        guard names.count > 1, let entailment = plain.firstIndex(where: { $0.hasPrefix("entail") }) else {
            throw DistillationError(
                "\(path): none of its labels (\(names.joined(separator: ", "))) is entailment; --zero-shot needs a model of natural "
                    + "language inference (MNLI), whose config.json names entailment in id2label")
        }
        self.entailment = entailment
        contradiction =
            plain.firstIndex { $0.hasPrefix("contradict") || $0.hasPrefix("not_entail") }
            ?? (entailment == 0 ? names.count - 1 : 0)
    }
}
