import Foundation

/// The measurements of one optimizer step.
struct StepResult {
    var examples: Int
    var sums: MetricSums
    var gradNorm: Double
    var learningRate: Double
}

/// Means since the last log line.
struct StepMeter {
    private(set) var sums: MetricSums
    private var last: StepResult?
    private var since = Date()

    /// - Parameter sums: The sums of a resumed run since its last log line.
    init(_ sums: MetricSums = MetricSums()) { self.sums = sums }

    /// - Parameter isWhole: False where the sums come apart, since other processes have the rest of the step.
    mutating func add(_ result: StepResult, isWhole: Bool) {
        if isWhole { sums.merge(result.sums) }
        last = result
    }

    /// Adds sums of several steps.
    mutating func merge(_ other: MetricSums) { sums.merge(other) }

    /// Excludes seconds in which nothing was trained.
    mutating func leaveOut(_ seconds: Double) { since.addTimeInterval(seconds) }

    /// The current losses, for a progress bar.
    var detail: String {
        guard let step = last?.sums else { return "" }
        var text = String(format: "loss %.3f", step.meanLoss)
        let terms = step.meanTerms
        if terms.names.count > 1 {
            for (name, value) in terms { text += "  \(name)" + String(format: " %.3f", value) }
        }
        return text
    }

    mutating func flush(step: Int, totalSteps: Int, epoch: Double, stage: String?) -> StepMetrics {
        let seconds = max(1e-9, -since.timeIntervalSinceNow)
        defer {
            sums = MetricSums()
            since = Date()
        }
        return StepMetrics(
            step: step, totalSteps: totalSteps, epoch: epoch, stage: stage, loss: sums.meanLoss,
            terms: sums.meanTerms, metrics: sums.statistics.values, learningRate: last?.learningRate ?? 0,
            gradNorm: last?.gradNorm ?? 0, examplesPerSecond: Double(sums.examples) / seconds)
    }
}
