import Foundation
import JSON

/// What a run's record says beside the figures of its models.
extension RunFiles {
    /// The teacher's name: of a model its directory's, of files of scores all of theirs; `nil` without one.
    var teacherName: String? {
        let settings = record["settings"]?.objectValue
        guard let path = settings?["teacher"]?.stringValue else { return nil }
        // Scores have no parameters.
        let isModel = (record["teacher"]?.objectValue?["parameters"]?.intValue ?? 0) > 0
        let paths = isModel ? [path] : path.components(separatedBy: ", ")
        return paths.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", ")
    }

    /// True for a language model whose teacher has a tokenizer of its own: nothing by token compares both.
    var hasOtherTokens: Bool {
        guard let teacher = record["teacher"]?.objectValue, record["comparison"]?.objectValue == nil,
            teacher["problem_type"]?.stringValue == "causal_language_model"
        else { return false }
        return teacher["metrics"]?.objectValue?["bits_per_byte"]?.doubleValue != nil
    }

    /// The type to which the student's weights were rounded where it was evaluated; `nil` where they were not. Those on disk are not
    /// rounded.
    var rounding: (type: String, command: String)? {
        let settings = record["settings"]?.objectValue
        if let type = settings?["quantize_aware_type"]?.stringValue {
            return (type: type, command: "distill export --format gguf --outtype \(type)")
        }
        guard settings?["quantize_aware"]?.boolValue == true else { return nil }
        return (type: "int8", command: "distill quantize")
    }

    /// The metric that decides among a run's models: that of its own model, and by bytes of text where tokens differ.
    func decisiveMetric(_ models: [ModelFigures]) -> String? {
        if hasOtherTokens { return "bits_per_byte" }
        return models.last { $0.role != .baseline && $0.role != .teacher }?.mainMetric
    }
}
