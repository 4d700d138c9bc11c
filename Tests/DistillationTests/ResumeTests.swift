import Foundation
import JSON
import Testing
import Torch
import Transformers

@testable import Distillation

/// A training that is stopped, and goes on in another trainer, against one that is never stopped: everything that it showed
/// and the bits of everything that it left must be the same.
@Suite("Resuming a training")
struct ResumeTests {
    /// What a training left behind, to the bit.
    private struct Trace: Equatable {
        var weights: [String: [UInt8]] = [:]
        var averages: [String: [UInt8]] = [:]
        var moments: [String: [UInt8]] = [:]
        var best: [String: [UInt8]] = [:]
        var bestMetric = 0.0
        var bestEpoch = 0.0
        var losses: [Double] = []
        var history: [[String: Double]] = []
        var evaluationsWithoutGain = 0
    }

    private static let data = Support.dataset(count: 40)

    private func fresh(_ change: (inout TrainingArguments) -> Void) throws -> Trainer {
        let teacher = try Support.logits(Support.model(layers: 3, seed: 5), Self.data)
        var arguments = TrainingArguments()
        change(&arguments)
        let model = try Support.model(seed: 3)
        if let lora = arguments.lora { try model.adapt(lora, seed: 3) }
        return try Support.trainer(model, Self.data, teacher: teacher) {
            $0.numTrainEpochs = 3
            $0.loggingSteps = 4
            change(&$0)
        }
    }

    /// Trains until the last step, or until one after which the training stops.
    private func train(_ trainer: Trainer, to last: Int = .max, _ losses: inout [Double]) throws {
        while let step = try trainer.advance() {
            if let metrics = step.metrics { losses.append(metrics.loss) }
            if step.isEvaluationDue {
                try trainer.beginEvaluation()
                try trainer.record(Support.validation(trainer.model, Self.data))
            }
            if trainer.step == last { return }
        }
    }

    private func bytes(_ tensors: [String: Tensor]) throws -> [String: [UInt8]] {
        try tensors.mapValues { try $0.bytes() }
    }

    private func trace(_ trainer: Trainer, _ losses: [Double]) throws -> Trace {
        let state = try trainer.state()
        var trace = Trace(losses: losses, evaluationsWithoutGain: state.evaluationsWithoutGain)
        trace.weights = try bytes(state.parameters)
        trace.averages = try bytes(state.averages?.averages ?? [:])
        trace.moments = try bytes(state.optimizer.firstMoments)
        trace.best = try bytes(state.best?.parameters ?? [:])
        trace.bestMetric = state.best?.metric ?? .nan
        trace.bestEpoch = state.best?.epoch ?? .nan
        trace.history = state.history.map { metrics in
            var values = Dictionary(
                metrics.validation.entries.map { ("validation " + $0.name.rawValue, $0.value) }
            ) { first, _ in first }
            values["loss"] = metrics.trainLoss
            values["epoch"] = metrics.epoch
            values["best"] = metrics.isBest ? 1 : 0
            return values
        }
        return trace
    }

    private static let changes: [(String, @Sendable (inout TrainingArguments) -> Void)] = [
        ("an evaluation an epoch", { _ in }),
        ("averages of the weights", { $0.emaDecay = 0.9 }),
        (
            "averages, evaluations every 4 steps, patience",
            {
                $0.emaDecay = 0.9
                $0.evalSteps = 4
                $0.earlyStoppingPatience = 2
                $0.earlyStoppingThreshold = 0.05
            }
        ),
        (
            "adapters, their averages, layers computed again",
            {
                $0.lora = LoRAOptions(rank: 2)
                $0.emaDecay = 0.9
                $0.gradientCheckpointing = true
            }
        ),
        (
            "accumulation",
            {
                $0.perDeviceTrainBatchSize = 4
                $0.gradientAccumulationSteps = 2
            }
        ),
    ]

    @Test(
        "a stopped training that goes on leaves the same bits",
        arguments: [1, 4, 5, 7, 12], 0..<changes.count)
    func goesOn(stopAt: Int, change: Int) throws {
        let (_, change) = Self.changes[change]
        var losses: [Double] = []
        let whole = try fresh(change)
        try train(whole, &losses)
        let expected = try trace(whole, losses)

        losses = []
        let first = try fresh(change)
        try train(first, to: stopAt, &losses)
        // What a stop evaluates and saves must not show in what goes on.
        try first.beginEvaluation(inTurn: false)
        let closing = try first.evaluation(Support.validation(first.model, Self.data))
        #expect(closing.step == stopAt)
        _ = try first.checkpoint(closing, logits: nil)
        let state = try first.state()

        let second = try fresh(change)
        try second.restore(state)
        try train(second, &losses)
        #expect(try trace(second, losses) == expected)
        // The stopped trainer itself can go on too.
        var rest: [Double] = []
        try train(first, &rest)
        #expect(try trace(first, losses) == expected)
    }

    @Test("an evaluation out of turn shows what one in turn would")
    func outOfTurn() throws {
        let change = Self.changes[1].1
        var losses: [Double] = []
        let (first, second) = (try fresh(change), try fresh(change))
        try train(first, to: 7, &losses)
        try train(second, to: 7, &losses)
        try first.beginEvaluation(inTurn: false)
        try second.beginEvaluation()
        let weights = try Support.bytes(first.model)
        #expect(try weights == Support.bytes(second.model))
        try first.endEvaluation()
        #expect(try weights != Support.bytes(first.model))
        // The evaluation of the first epoch is all that is kept.
        #expect(first.history.map(\.step) == [5] && first.best?.epoch == 1)
    }
}
