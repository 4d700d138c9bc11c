import Foundation
import Transformers

/// Scores compared with the labels of the texts that have some, before anything is learned from them.
struct ScoreAssessment {
    let findings: [Finding]

    /// - Parameters:
    ///   - name: The teacher's name.
    ///   - hasLogits: True if the scores are logits, which are never labels.
    ///   - outputs: Its logits for the training data.
    ///   - dataset: The training data.
    /// - Throws: `FileError` where outputs cannot be read.
    init(
        _ name: String, hasLogits: Bool, _ outputs: any TeacherOutputs, _ dataset: EncodedDataset
    ) throws {
        let kind = dataset.problemType.definition.outputs
        let targets = dataset.targets
        var (confidences, decided) = ([Double](), [(confidence: Double, isRight: Bool)]())
        var values: [Float] = []
        for row in 0..<outputs.count {
            values.removeAll(keepingCapacity: true)
            try outputs.appendRow(row, to: &values)
            let probabilities = kind.probabilities(values.map(Double.init))
            if kind == .softmax {
                let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
                confidences.append(probabilities[best])
                if targets.isLabeled(row) {
                    decided.append((probabilities[best], targets.classes[row] == best))
                }
            } else {
                let isLabeled = targets.isLabeled(row)
                let own = isLabeled ? Set(targets.subset([row]).sets[0]) : []
                for (label, probability) in probabilities.enumerated() {
                    let confidence = max(probability, 1 - probability)
                    confidences.append(confidence)
                    if isLabeled { decided.append((confidence, (probability > 0.5) == own.contains(label))) }
                }
            }
        }
        findings =
            [Self.confidence(name, hasLogits, confidences)].compactMap(\.self)
            + Self.agreement(name, decided, kind)
    }

    private static func confidence(_ name: String, _ hasLogits: Bool, _ values: [Double]) -> Finding? {
        let sorted = values.sorted()
        guard let last = sorted.last else { return nil }
        if sorted[0] > 0.999, !hasLogits {
            return Finding(
                .warning,
                "\(name): every score is sure (the least confidence is \(text(sorted[0]))): these are labels, which tell nothing of what "
                    + "the teacher finds similar. Write the probabilities, or take several answers as votes.")
        }
        func quantile(_ fraction: Double) -> String {
            text(sorted[min(sorted.count - 1, Int(fraction * Double(sorted.count)))])
        }
        return Finding(
            .note,
            "\(name): the confidence is \(quantile(0.1)) at the 10th percentile, \(quantile(0.5)) in the median, \(quantile(0.9)) at the "
                + "90th (from \(text(sorted[0])) to \(text(last))).")
    }

    private static func agreement(
        _ name: String, _ decided: [(confidence: Double, isRight: Bool)], _ kind: OutputKind
    ) -> [Finding] {
        guard !decided.isEmpty else { return [] }
        let right = Double(decided.count { $0.isRight }) / Double(decided.count)
        let mean = decided.reduce(0) { $0 + $1.confidence } / Double(decided.count)
        let error = CalibrationError(
            confidences: decided.map(\.confidence), isCorrect: decided.map(\.isRight)
        ).value
        let what =
            kind == .softmax ? "labels of the training data" : "decisions of the training data's labels"
        let bias = mean > right + 0.02 ? " (over-confident)" : mean < right - 0.02 ? " (under-confident)" : ""
        return [
            Finding(
                .note,
                String(
                    format:
                        "%@: the scores agree with %.2f %% of the %d %@; expected calibration error %.4f%@.",
                    name,
                    100 * right, decided.count, what, error, bias))
        ]
    }

    private static func text(_ value: Double) -> String { String(format: "%.4f", value) }
}
