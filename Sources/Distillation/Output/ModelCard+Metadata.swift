import Foundation
import Transformers

/// The card's YAML, in the form of the Hub's model card metadata:
/// https://github.com/huggingface/hub-docs/blob/main/modelcard.md
extension ModelCard {
    var metadata: [String] {
        var lines = ["---"]
        func add(_ name: String, _ values: [String], isList: Bool = true) {
            guard let first = values.first else { return }
            if isList || values.count > 1 {
                lines.append("\(name):")
                lines += values.map { "- \(YAMLText.scalar($0))" }
            } else {
                lines.append("\(name): \(YAMLText.scalar(first))")
            }
        }
        add("library_name", ["transformers"], isList: false)
        add("pipeline_tag", ["text-classification"], isList: false)
        let license = options.license ?? source.license
        add("license", [license].compactMap(\.self), isList: false)
        if options.license == nil, license == "other" {
            add("license_name", [source.licenseName].compactMap(\.self), isList: false)
            add("license_link", [source.licenseLink].compactMap(\.self), isList: false)
        }
        add("language", options.languages)
        let (bases, relation) = base
        add("base_model", bases, isList: false)
        if !bases.isEmpty { add("base_model_relation", [relation].compactMap(\.self), isList: false) }
        add("datasets", options.datasets)
        add("tags", tags)
        add("metrics", metricIdentifiers)
        return lines + modelIndex + ["---"]
    }

    /// The models this one comes from on the Hub, and how, where that is known.
    private var base: (models: [String], relation: String?) {
        let relation: String? =
            switch origin {
            case .quantised: "quantized"
            case .fineTuned: "finetune"
            case .distilled(_, let startsFromTeacher): startsFromTeacher ? "finetune" : nil
            }
        if let named = options.baseModel ?? HubIdentifier.ofCached(URL(filePath: origin.path)) {
            return ([named], relation)
        }
        // The source's own base is an ancestor of this model; of a quantised one it is not what was quantised.
        if case .quantised = origin { return (source.baseModels, nil) }
        return (source.baseModels, relation)
    }

    private var tags: [String] {
        switch origin {
        case .distilled: ["distill", "knowledge-distillation"]
        case .fineTuned: ["distill", "fine-tuned"]
        case .quantised(_, .int8): ["distill", "quantized", "int8", "compressed-tensors"]
        case .quantised(_, let type): ["distill", type.rawValue]
        }
    }

    /// The Hub's names of the metrics.
    private var metricIdentifiers: [String] {
        switch problemType {
        case .singleLabel: ["accuracy", "f1", "matthews_correlation"]
        case .multiLabel: ["f1", "accuracy"]
        case .regression: ["pearsonr", "spearmanr", "mse"]
        }
    }

    /// What the Hub shows as evaluation results: own measurements, and so not verified.
    private var modelIndex: [String] {
        let listed: [(MetricName, String)] =
            switch problemType {
            case .singleLabel:
                [(.accuracy, "accuracy"), (.macroF1, "f1"), (.matthewsCorrelation, "matthews_correlation")]
            case .multiLabel: [(.microF1, "f1"), (.macroF1, "f1"), (.accuracy, "accuracy")]
            case .regression: [(.pearson, "pearsonr"), (.spearman, "spearmanr"), (.mse, "mse")]
            }
        let blocks = results.compactMap { result -> [String]? in
            let metrics = listed.compactMap { metric, identifier -> [String]? in
                guard let value = result.evaluation.metrics[metric], value.isFinite else { return nil }
                let title = metric.title(for: problemType)
                return [
                    "    - type: \(identifier)",
                    "      name: \(YAMLText.scalar(title.prefix(1).uppercased() + title.dropFirst()))",
                    "      value: \(YAMLText.number(value))", "      verified: false",
                ]
            }
            guard !metrics.isEmpty else { return nil }
            let dataset = options.datasets.count == 1 ? options.datasets[0] : "custom"
            let name = result.data.map { URL(filePath: $0.path).lastPathComponent } ?? "\(result.split) data"
            return [
                "  - task:", "      type: text-classification", "      name: Text Classification",
                "    dataset:",
                "      type: \(YAMLText.scalar(dataset))", "      name: \(YAMLText.scalar(name))",
                "      split: \(YAMLText.scalar(result.split))", "    metrics:",
            ] + metrics.flatMap(\.self)
        }
        guard !blocks.isEmpty else { return [] }
        return ["model-index:", "- name: \(YAMLText.scalar(title))", "  results:"] + blocks.flatMap(\.self)
    }
}

/// Values as YAML 1.1 and 1.2 both read them.
enum YAMLText {
    /// A text, in quotes unless it can be taken for nothing but a text.
    static func scalar(_ text: String) -> String {
        let isPlain = text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_.\/-]*( [A-Za-z0-9_.\/-]+)*/) != nil
        let isWord = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"].contains(text.lowercased())
        if isPlain, !isWord, text.wholeMatch(of: /[._A-Za-z]*\.?(inf|nan)/.ignoresCase()) == nil {
            return text
        }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{20}"..."\u{7E}", "\u{A0}"..."\u{2027}", "\u{202A}"..."\u{D7FF}", "\u{E000}"..."\u{FEFE}",
                "\u{FF00}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                quoted.unicodeScalars.append(scalar)
            default:
                quoted += String(format: scalar.value < 0x100 ? "\\x%02X" : "\\u%04X", scalar.value)
            }
        }
        return quoted + "\""
    }

    /// A number as a float, not as one of YAML's other readings.
    static func number(_ value: Double) -> String {
        let text = String(format: "%.6f", value)
        return abs(value) >= 1e-4 || value == 0 ? text : String(format: "%.6e", value)
    }
}
