import Foundation

/// The README.md that goes with a saved model, in the Hub's form: YAML metadata, then text.
struct ModelCard {
    let report: RunReport

    var text: String {
        var lines = metadata
        lines += ["", "# \(title)", "", summary, "", "## Results on the validation data", ""]
        lines += table
        lines += [
            "", "## Use", "",
            "```python",
            "from transformers import AutoModelForSequenceClassification, AutoTokenizer",
            "",
            "model = AutoModelForSequenceClassification.from_pretrained(\"\(title)\")",
            "tokenizer = AutoTokenizer.from_pretrained(\"\(title)\")",
            "```",
            "", "## Training", "",
        ]
        lines += settings
        lines += [
            "", "Every setting, the data's digests and each epoch's metrics are in `\(report.recordName)`.",
            "",
        ]
        return lines.joined(separator: "\n")
    }

    private var title: String { URL(filePath: report.output).lastPathComponent }

    private var metadata: [String] {
        [
            "---", "library_name: transformers", "pipeline_tag: text-classification", "tags:", "- distill",
            report.settings.teacher == nil ? "- fine-tuned" : "- knowledge-distillation", "metrics:",
            "- accuracy", "- f1", "---",
        ]
    }

    private var summary: String {
        let sizes = report.settings.studentConfiguration
        let shape =
            "\(sizes.layers) layers of width \(sizes.hiddenSize), \(report.student.parameters) parameters"
        guard let teacher = report.settings.teacher else {
            return "A text classifier (\(shape)), fine-tuned from `\(name(report.settings.model))` to tell "
                + report.labels.map { "`\($0)`" }.joined(separator: ", ") + " apart."
        }
        return "A text classifier (\(shape)), distilled from `\(name(teacher))` to tell "
            + report.labels.map { "`\($0)`" }.joined(separator: ", ") + " apart."
    }

    private func name(_ path: String?) -> String {
        path.map { URL(filePath: $0).lastPathComponent } ?? "a model"
    }

    private var table: [String] {
        func row(_ name: String, _ value: (ModelEvaluation) -> String) -> String {
            let cells = [report.teacher, report.student].compactMap(\.self).map(value)
            return "| \(name) | " + cells.joined(separator: " | ") + " |"
        }
        let header = report.teacher == nil ? "| | model |" : "| | teacher | student |"
        let rule = report.teacher == nil ? "|---|---|" : "|---|---|---|"
        return [
            header, rule,
            row("accuracy") { String(format: "%.4f", $0.accuracy) },
            row("macro F1") { String(format: "%.4f", $0.macroF1) },
            row("Matthews correlation") { String(format: "%.4f", $0.matthewsCorrelation) },
            row("parameters") { String($0.parameters) },
            row("bytes of weights") { String($0.bytesOnDisk) },
        ]
    }

    private var settings: [String] {
        let training = report.settings.training
        var lines: [String] = []
        for stage in report.settings.stages ?? [] {
            let name = stage.name.map { " of stage \($0)" } ?? ""
            lines.append("- objectives\(name): " + stage.objectives.map { "`\($0)`" }.joined(separator: ", "))
        }
        lines += [
            "- examples: \(report.train.examples) for training, \(report.validation.examples) for validation",
            "- epochs: \(training.numTrainEpochs), the best after \(report.bestEpoch)",
            "- batch size: \(training.perDeviceTrainBatchSize * training.gradientAccumulationSteps)",
            "- AdamW, learning rate \(training.learningRate), \(training.lrSchedulerType.rawValue) decay, seed \(training.seed)",
        ]
        return lines
    }
}

extension RunReport {
    /// The name of the file that holds this report in the output directory.
    public var recordName: String { command == "run" ? "distillation.json" : "training.json" }
}
