import Foundation
import Torch
import Transformers

/// The loss, or a gradient, was infinite or not a number.
public struct NonFiniteLossError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// What one optimiser step showed.
struct StepResult {
    var examples: Int
    var sums: MetricSums
    var gradNorm: Double
    var learningRate: Double
}

extension Trainer {
    /// One optimiser step over the examples of some passes.
    ///
    /// Each pass counts by its share of the examples, so that several passes give the gradient of one large
    /// batch, also where the last is smaller.
    func trainStep(_ passes: [Batch]) throws -> StepResult {
        var stepSums = MetricSums()
        let count = passes.reduce(0) { $0 + $1.indices.count }
        try optimizer.clearGradients()
        for pass in passes { try accumulate(pass, of: count, into: &stepSums) }
        let learningRate = schedule.learningRate(atStep: step)
        let maxNorm = arguments.maxGradNorm > 0 ? arguments.maxGradNorm : .infinity
        let gradNorm = try optimizer.clipGradients(maxNorm: maxNorm)
        guard gradNorm.isFinite else { throw notFinite("the gradients' norm is \(gradNorm)") }
        try optimizer.step(learningRate: learningRate)
        step += 1
        stepInEpoch += 1
        sums.merge(stepSums)
        return StepResult(
            examples: count, sums: stepSums, gradNorm: gradNorm, learningRate: learningRate)
    }

    private func accumulate(_ batch: Batch, of total: Int, into stepSums: inout MetricSums) throws {
        let indices = batch.indices
        try optimizer.prepare(rows: batch.input.inputIDs)
        let logits = try model(batch.input, dropout: dropout).logits
        let labels = try Tensor(batch.labels, device: model.device)
        let terms = try objective.loss(logits: logits, labels: labels, indices: indices)
        let loss = try terms.total.item()
        guard loss.isFinite else {
            let parts = [
                "loss \(loss)", terms.soft.map { "soft \($0)" }, terms.hard.map { "hard \($0)" },
            ].compactMap(\.self).joined(separator: ", ")
            throw notFinite(parts)
        }
        let share = Double(indices.count) / Double(total)
        try (share == 1 ? terms.total : terms.total * share).backward()
        stepSums.add(terms, total: loss, count: indices.count, agreements: try agreements(logits, indices))
    }

    /// On how many of these examples the model in training chooses the teacher's class.
    private func agreements(_ logits: Tensor, _ indices: [Int]) throws -> Int? {
        guard let teacher = objective.teacherLogits else { return nil }
        let chosen = Logits(values: try logits.detached().array(), classes: teacher.classes).predictions
        let rows = Logits(values: try teacher.rows(indices), classes: teacher.classes).predictions
        return zip(chosen, rows).count { $0 == $1 }
    }

    func notFinite(_ what: String) -> NonFiniteLossError {
        let rate = schedule.learningRate(atStep: step)
        return NonFiniteLossError(
            description:
                "training stopped at step \(min(step + 1, totalSteps)) of \(totalSteps) (epoch \(epoch + 1)): \(what), "
                + "learning rate \(rate); lower --learning-rate or raise --warmup-steps")
    }
}

extension MetricSums {
    mutating func merge(_ other: MetricSums) {
        examples += other.examples
        loss += other.loss
        soft += other.soft
        hard += other.hard
        kl += other.kl
        agreements += other.agreements
        hasTeacher = hasTeacher || other.hasTeacher
    }
}

/// Means since the last log line.
struct StepMeter {
    private var sums = MetricSums()
    private var last: StepResult?
    private var since = Date()

    mutating func add(_ result: StepResult) {
        sums.merge(result.sums)
        last = result
    }

    /// The present losses, for a progress bar.
    var detail: String {
        guard let step = last?.sums else { return "" }
        var text = String(format: "loss %.3f", step.mean(step.loss))
        if step.hasTeacher {
            let (soft, hard, kl) = (step.mean(step.soft), step.mean(step.hard), step.mean(step.kl))
            text += String(format: "  soft %.3f  hard %.3f  kl %.3f", soft, hard, kl)
        }
        return text
    }

    mutating func flush(step: Int, totalSteps: Int, epoch: Double) -> StepMetrics {
        let seconds = max(1e-9, -since.timeIntervalSinceNow)
        defer {
            sums = MetricSums()
            since = Date()
        }
        return StepMetrics(
            step: step, totalSteps: totalSteps, epoch: epoch, loss: sums.mean(sums.loss),
            softLoss: sums.hasTeacher ? sums.mean(sums.soft) : nil, hardLoss: sums.mean(sums.hard),
            kl: sums.hasTeacher ? sums.mean(sums.kl) : nil, learningRate: last?.learningRate ?? 0,
            gradNorm: last?.gradNorm ?? 0, examplesPerSecond: Double(sums.examples) / seconds)
    }
}
