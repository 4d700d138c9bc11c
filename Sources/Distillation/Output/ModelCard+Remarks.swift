import Exporters
import Foundation
import Transformers

/// What a reader must know of a card's figures, and numbers as a card has them.
extension ModelCard {
    /// The paragraphs below the tables.
    static func remarks(_ report: RunReport) -> [String] {
        [roundingRemark(report), tokenRemark(report), gain(report)].compactMap(\.self)
    }

    /// The type to which the student's weights were rounded where it was evaluated; `nil` where they were not.
    static func rounding(_ report: RunReport) -> String? {
        if let type = report.settings.quantizeAwareType { return type.rawValue }
        return report.settings.quantizeAware == true ? "int8" : nil
    }

    private static func roundingRemark(_ report: RunReport) -> String? {
        guard let type = rounding(report) else { return nil }
        let command =
            report.settings.quantizeAwareType == nil
            ? "distill quantize" : "distill export --format gguf --outtype \(type)"
        return
            "The student's metrics are of its weights rounded to \(type), as `\(command)` writes them. The float weights in this "
            + "directory, whose bytes are given, are what training continues from: their own metrics are others, and may be far worse."
    }

    private static func tokenRemark(_ report: RunReport) -> String? {
        guard report.alignment != nil else { return nil }
        return
            "The teacher's tokenizer gives other tokens: what is by token, as perplexity and loss are, cannot be compared; bits per "
            + "byte can."
    }

    /// The names of what a run's model was made from.
    static func sourceNames(_ report: RunReport) -> [String] {
        guard let teacher = report.settings.teacher else {
            return [URL(filePath: report.settings.model ?? "").lastPathComponent]
        }
        // Scores have no parameters; they may be in several files.
        let isScores = report.teacher?.parameters == 0
        let paths = isScores ? teacher.components(separatedBy: ", ") : [teacher]
        return paths.map { URL(filePath: $0).lastPathComponent }
    }

    /// The line on low-rank adapters.
    static func line(_ adapters: LoRAOptions) -> String {
        let targets = adapters.targets.map { "`\($0)`" }.joined(separator: ", ")
        let saved =
            switch adapters.save {
            case .merged: "merged into the weights"
            case .adapter: "merged into the weights, and in `adapter` by themselves"
            }
        return
            "- low-rank adapters (LoRA): rank \(adapters.rank), alpha \(number(adapters.alpha)), on \(targets); \(saved)"
    }

    /// A number with at most six digits.
    static func number(_ value: Double) -> String { String(format: "%g", value) }

    /// A metric; a perplexity can be beyond all sizes.
    static func figure(_ value: Double) -> String {
        String(format: abs(value) < 1e7 ? "%.4f" : "%.4g", value)
    }

    /// A text whose numbers have at most six digits.
    static func shortened(_ text: String) -> String {
        text.replacing(/[0-9]+\.[0-9]{6,}(e[+-]?[0-9]+)?/) { match -> String in
            let digits = String(match.output.0)
            return Double(digits).map { number($0) } ?? digits
        }
    }
}
