import Foundation
import Torch
import Transformers

/// Trains one model through the stages of a run, and keeps the best checkpoint.
struct TrainingSession {
    let model: TransformerModel
    var stages: [TrainingStage]
    let registry: ObjectiveRegistry
    var train: EncodedDataset
    var validation: EncodedDataset
    /// What the teacher says about the training data, and its logits for the validation data.
    var teacher: (signals: TeacherSignals, validation: Logits)?
    var augmentation: Augmentation?
    let arguments: TrainingArguments
    /// What training computes with.
    let precision: Precision

    /// What training brought. The model then has the best checkpoint's weights.
    struct Outcome {
        /// The best checkpoint's logits for the validation data.
        var validation: Logits
        var history: [EpochMetrics]
        /// Of the best checkpoint.
        var metric: Double
        var bestEpoch: Double
        var steps: Int
        var interrupted: Bool
        /// What the log steps showed.
        var log = StepHistory()

        /// The speed of the training, without the evaluations' time; `nil` where none is known.
        var examplesPerSecond: Double? {
            let speeds = history.compactMap(\.examplesPerSecond)
            return speeds.isEmpty ? nil : speeds.reduce(0, +) / Double(speeds.count)
        }
    }

    /// - Parameter onBest: Called with each checkpoint that is better than all before it, to save it.
    func run(
        log: RunLog, shouldStop: () -> Bool, onBest: (Outcome) throws -> Void = { _ in }
    ) throws -> Outcome {
        let trainers = plan()
        var best: (state: TrainingState.Best, logits: Logits)?
        var (history, interrupted) = ([EpochMetrics](), false)
        var steps = 0
        var logged = StepHistory()
        for make in trainers {
            let trainer = try make()
            if let name = trainer.stage.name { log.send(.note("Stage \(name) begins.")) }
            trainer.best = best?.state
            var latest: Logits?
            func outcome(_ logits: Logits, interrupted: Bool) -> Outcome {
                Outcome(
                    validation: logits, history: history + trainer.history,
                    metric: trainer.best?.metric ?? .nan,
                    bestEpoch: trainer.best?.epoch ?? trainer.epochNow, steps: steps + trainer.step,
                    interrupted: interrupted, log: logged)
            }
            do {
                let finished = try trainer.train(
                    evaluate: {
                        let own = try logits()
                        latest = own
                        return try values(own)
                    },
                    onBest: { _ in
                        guard let latest, let state = trainer.best else { return }
                        best = (state, latest)
                        try onBest(outcome(latest, interrupted: true))
                    },
                    onEvent: { event in
                        if case .step(let step) = event { logged.append(step) }
                        log.send(event)
                    }, shouldStop: shouldStop)
                interrupted = !finished
            } catch let error as NonFiniteLossError {
                throw Self.kept(after: error, best?.state)
            }
            history += trainer.history
            steps += trainer.step
            if interrupted { break }
        }
        if let best { try model.parameters.restore(best.state.parameters) }
        if let best, let warning = try scaleWarning(best.logits) { log.warnOnce(warning) }
        return Outcome(
            validation: try best?.logits ?? logits(), history: history, metric: best?.state.metric ?? .nan,
            bestEpoch: best?.state.epoch ?? 0, steps: steps, interrupted: interrupted, log: logged)
    }

    /// What to tell of numbers that are further off than their mean would be.
    private func scaleWarning(_ own: Logits) throws -> String? {
        guard validation.problemType.definition.metricForBest == .r2, let r2 = try values(own)[.r2], r2 < 0
        else { return nil }
        return String(
            format:
                "The best checkpoint's R² on the validation data is %.3g: always answering the labels' mean would be "
                + "nearer. Train longer, with a larger --learning-rate, or bring the labels to a scale such as 0 to 1.",
            r2)
    }

    private static func steps(_ arguments: TrainingArguments, _ examples: Int) -> (steps: Int, epochs: Int) {
        let size = max(1, arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps)
        let perEpoch = max(1, (examples + size - 1) / size)
        let steps = arguments.totalSteps(stepsPerEpoch: perEpoch)
        return (steps, (steps + perEpoch - 1) / perEpoch)
    }

    /// A trainer for each stage, made when its turn comes.
    private func plan() -> [() throws -> Trainer] {
        var place = Trainer.Stage()
        place.stepsOfRun = stages.reduce(0) { $0 + Self.steps($1.arguments(arguments), train.count).steps }
        return stages.enumerated().map { index, stage in
            let own = stage.arguments(arguments)
            var here = place
            if stages.count > 1 { here.name = stage.name ?? String(index + 1) }
            let (steps, epochs) = Self.steps(own, train.count)
            place.firstStep += steps
            place.firstEpoch += epochs
            return {
                try Trainer(
                    model: model,
                    objectives: try stage.objectives.map {
                        WeightedObjective(try registry.make($0), weight: $0.weight)
                    },
                    data: train, teacher: teacher?.signals, augmentation: augmentation, arguments: own,
                    precision: precision, stage: here)
            }
        }
    }

    /// Makes each stage's trainer and drops it: what does not fit shows before any work is done.
    func check() throws {
        for make in plan() { _ = try make() }
    }

    /// Says where the last good weights are: each new best checkpoint is handed on to be saved.
    private static func kept(
        after error: NonFiniteLossError, _ best: TrainingState.Best?
    ) -> NonFiniteLossError {
        let kept = best.map {
            String(format: "the best checkpoint (epoch %.2f) is kept in the output directory", $0.epoch)
        }
        return NonFiniteLossError(
            description: error.description + "; "
                + (kept ?? "no checkpoint was evaluated before it, so nothing is saved"))
    }

    /// The model's logits for the validation data, in float32, as whoever loads the saved model finds them.
    private func logits() throws -> Logits {
        try Inference.allLogits(
            model, validation, batchSize: arguments.perDeviceEvalBatchSize, of: "the model in training")
    }

    private func values(_ own: Logits) throws -> MetricValues {
        try Evaluator.validation(own, targets: validation.targets, teacher: teacher?.validation)
    }
}
