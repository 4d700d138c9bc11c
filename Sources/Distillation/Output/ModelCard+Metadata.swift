import Foundation
import Transformers
import Yams

/// The card's YAML, in the form of the Hub's model card metadata:
/// https://github.com/huggingface/hub-docs/blob/main/modelcard.md
extension ModelCard {
    /// The block between the lines of three hyphens.
    ///
    /// - Throws: `YamlError`, which no metadata made here cause.
    func metadata() throws -> String {
        var pairs: [(String, Node)] = []
        func add(_ name: String, _ value: String?) {
            if let value { pairs.append((name, CardYAML.text(value))) }
        }
        func add(_ name: String, list values: [String]) {
            if !values.isEmpty { pairs.append((name, CardYAML.list(values.map(CardYAML.text)))) }
        }
        // No library of the Hub opens a static classifier.
        if !isTable || problemType.embedsTexts {
            add("library_name", problemType.definition.card.library)
        }
        add("pipeline_tag", problemType.definition.card.pipeline)
        let license = options.license ?? source.license
        add("license", license)
        if options.license == nil, license == "other" {
            add("license_name", source.licenseName)
            add("license_link", source.licenseLink)
        }
        add("language", list: options.languages)
        let (bases, relation) = base
        if bases.count > 1 { add("base_model", list: bases) } else { add("base_model", bases.first) }
        if !bases.isEmpty { add("base_model_relation", relation) }
        add("datasets", list: options.datasets)
        add("tags", list: tags)
        add("metrics", list: metricIdentifiers)
        let results = results.compactMap(modelIndex)
        if !results.isEmpty {
            let model = CardYAML.mapping([
                ("name", CardYAML.text(title)), ("results", CardYAML.list(results)),
            ])
            pairs.append(("model-index", CardYAML.list([model])))
        }
        return try CardYAML.lines(CardYAML.mapping(pairs))
    }

    /// The models this one comes from on the Hub, and the relation, where it is known.
    private var base: (models: [String], relation: String?) {
        let relation: String? =
            switch origin {
            case .quantized: "quantized"
            case .fineTuned: "finetune"
            case .distilled(_, let startsFromTeacher): startsFromTeacher ? "finetune" : nil
            }
        if let named = options.baseModel ?? HubIdentifier.ofCached(URL(filePath: origin.path)) {
            return ([named], relation)
        }
        // The source's own base is an ancestor of this model; of a quantized one it is not what was quantized.
        if case .quantized = origin { return (source.baseModels, nil) }
        return (source.baseModels, relation)
    }

    private var tags: [String] {
        switch origin {
        case .distilled: ["distill", "knowledge-distillation"]
        case .fineTuned: ["distill", "fine-tuned"]
        case .quantized(_, .int8): ["distill", "quantized", "int8", "compressed-tensors"]
        case .quantized(_, let type): ["distill", type.rawValue]
        }
    }

    /// The Hub's names of the metrics.
    private var metricIdentifiers: [String] {
        problemType.definition.card.identifiers
    }

    /// Returns the Hub's form of an evaluation: own measurements, and so not verified. `nil` without a finite number.
    private func modelIndex(_ result: Result) -> Node? {
        let card = problemType.definition.card
        let metrics = card.index.compactMap { metric, identifier -> Node? in
            guard let value = result.evaluation.metrics[metric], value.isFinite else { return nil }
            let rounding = result.rounding.map { " of weights rounded to \($0)" } ?? ""
            let title = metric.title(for: problemType) + rounding
            return CardYAML.mapping([
                ("type", CardYAML.text(identifier)),
                ("name", CardYAML.text(title.prefix(1).uppercased() + title.dropFirst())),
                ("value", CardYAML.number(value)), ("verified", CardYAML.no),
            ])
        }
        guard !metrics.isEmpty else { return nil }
        let dataset = options.datasets.count == 1 ? options.datasets[0] : "custom"
        let name = result.data.map { URL(filePath: $0.path).lastPathComponent } ?? "\(result.split) data"
        return CardYAML.mapping([
            (
                "task",
                CardYAML.mapping([
                    ("type", CardYAML.text(card.pipeline)),
                    ("name", CardYAML.text(card.pipelineTitle)),
                ])
            ),
            (
                "dataset",
                CardYAML.mapping([
                    ("type", CardYAML.text(dataset)), ("name", CardYAML.text(name)),
                    ("split", CardYAML.text(result.split)),
                ])
            ),
            ("metrics", CardYAML.list(metrics)),
        ])
    }
}
