import Foundation

/// The README.md that goes with a saved model, in the Hub's form: YAML metadata, then text.
struct ModelCard {
    let report: RunReport

    var text: String {
        var lines = metadata
        lines += ["", "# \(title)", "", summary, "", "## Results on the validation data", ""]
        lines += table
        if let gain = report.test?.gain ?? report.gain {
            let data = report.test?.gain == nil ? "validation" : "test"
            lines += [
                "",
                String(
                    format:
                        "Trained without the teacher, the same student has %@ %.4f on the %@ data; this one gains "
                        + "%+.4f (95 %% interval %+.4f to %+.4f).", gain.metric.rawValue, gain.baseline, data,
                    gain.difference, gain.low, gain.high),
            ]
        }
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
        ] + metricIDs.map { "- \($0)" } + ["---"]
    }

    /// The Hub's names of the metrics.
    private var metricIDs: [String] {
        switch report.student.problemType {
        case .singleLabel: ["accuracy", "f1", "matthews_correlation"]
        case .multiLabel: ["f1", "accuracy"]
        case .regression: ["pearsonr", "spearmanr", "mse"]
        }
    }

    private var summary: String {
        let sizes = report.settings.studentConfiguration
        let shape =
            "\(sizes.layers) layers of width \(sizes.hiddenSize), \(report.student.parameters) parameters"
        let origin =
            report.settings.teacher.map { "distilled from `\(name($0))`" }
            ?? "fine-tuned from `\(name(report.settings.model))`"
        let labels = report.labels.map { "`\($0)`" }.joined(separator: ", ")
        return switch report.student.problemType {
        case .singleLabel: "A text classifier (\(shape)), \(origin) to tell \(labels) apart."
        case .multiLabel:
            "A text classifier (\(shape)), \(origin) to find which of \(labels) apply, any number of them at once: "
                + "those whose logit is above 0."
        case .regression: "A text regressor (\(shape)), \(origin): its one output is a number."
        }
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
        ] + metricRows(row) + [
            row("parameters") { String($0.parameters) },
            row("bytes of weights") { String($0.bytesOnDisk) },
        ]
    }

    private func metricRows(
        _ row: (String, (ModelEvaluation) -> String) -> String
    ) -> [String] {
        let names: [MetricName] =
            switch report.student.problemType {
            case .singleLabel: [.accuracy, .macroF1, .matthewsCorrelation]
            case .multiLabel: [.microF1, .macroF1, .accuracy]
            case .regression: [.pearson, .spearman, .mse, .mae]
            }
        return names.map { name in
            row(name.title(for: report.student.problemType)) { evaluation in
                evaluation.metrics[name].map { String(format: "%.4f", $0) } ?? ""
            }
        }
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
