import Foundation

/// How a model was trained, and what its teacher gained it.
extension ModelCard {
    static func gain(_ report: RunReport) -> String? {
        guard let gain = report.test?.gain ?? report.gain else { return nil }
        let data = report.test?.gain == nil ? "validation" : "test"
        let sentence = String(
            format:
                "Trained without the teacher, the same student has %@ %.4f on the %@ data; this one "
                + (gain.metric.greaterIsBetter ? "gains " : "is better by ")
                + "%+.4f (95 %% interval %+.4f to %+.4f).", gain.metric.rawValue, gain.baseline, data,
            gain.difference, gain.low, gain.high)
        let others = (gain.others ?? []).map {
            String(
                format: "%@ %.4f, without the teacher %.4f, better by %+.4f (%+.4f to %+.4f)",
                $0.metric.rawValue, $0.student, $0.baseline, $0.difference, $0.low, $0.high)
        }
        return others.isEmpty ? sentence : sentence + " Likewise " + others.joined(separator: "; ") + "."
    }

    static func training(_ report: RunReport) -> [String] {
        let training = report.settings.training
        var lines: [String] = []
        for stage in report.settings.stages ?? [] {
            let name = stage.name.map { " of stage \($0)" } ?? ""
            let objectives = stage.objectives.map { "`" + shortened($0.description) + "`" }
            lines.append("- objectives\(name): " + objectives.joined(separator: ", "))
        }
        if let adapters = training.lora { lines.append(line(adapters)) }
        // What was trained: a limit of steps may end a run earlier, or later.
        let epochs = report.epochs.last?.epoch ?? training.numTrainEpochs
        return lines + [
            "- examples: \(report.train.examples) for training, \(report.validation.examples) for validation"
                + (report.unlabelled.map { ", and \($0.map(\.examples).reduce(0, +)) without labels" } ?? ""),
            "- epochs: \(number(epochs)), the best after \(number(report.bestEpoch))",
            "- batch size: \(training.perDeviceTrainBatchSize * training.gradientAccumulationSteps)",
            "- AdamW, learning rate \(number(training.learningRate)), \(training.lrSchedulerType.rawValue) decay, "
                + "seed \(training.seed)",
        ]
    }
}
