import Foundation
import Torch

/// A training through its stages, as a stream of events.
///
/// ```swift
/// let training = StagedTraining(plan)
/// while let event = try training.next() {
///     log.send(event)
///     if event.isImprovement { try save(training.outcome()) }
///     if shouldStop() { training.stop() }
/// }
/// let outcome = try training.finish()
/// ```
///
/// ``run(_:as:save:)`` is this loop. Between two events nothing is under way (``isBetweenEvents``): ``state()`` is then all that a
/// training which goes on needs (``restore(_:)``).
///
/// After an evaluation the model holds the weights that were evaluated until the next event is requested.
final class StagedTraining {
    private let plan: TrainingPlan
    /// The current stage's trainer; `nil` before the first and between two stages.
    private var trainer: Trainer?
    /// The number of finished stages.
    private var finishedStages = 0
    private var history: [EpochMetrics] = []
    private var steps = 0
    private var log = StepHistory()
    /// The best checkpoint of all stages so far.
    private var best: TrainingState.Best?

    /// The evaluation that a stop caused.
    private var closing: EpochMetrics?

    /// Events that are queued and were not requested yet.
    private var events: [RunEvent] = []
    private var isEvaluationDue = false
    private var isStopped = false
    private var isInterrupted = false
    /// Asked within an evaluation; true gives it up, to be made after a resume.
    private var abandonsEvaluation: () -> Bool = { false }

    init(_ plan: TrainingPlan) { self.plan = plan }

    /// Ends the training as it is: after an evaluation of the current weights, which leaves no trace in the state from which
    /// a resumed run goes on.
    func stop() { isStopped = true }

    /// Trains until there is an event to report.
    ///
    /// - Returns: `nil` at the end.
    /// - Throws: ``NonFiniteLossError`` where the loss or a gradient is not finite, saying what is kept.
    func next() throws -> RunEvent? {
        do {
            while events.isEmpty {
                guard try goOn() else { return nil }
            }
            return events.removeFirst()
        } catch let error as NonFiniteLossError {
            throw kept(after: error)
        }
    }

    /// Does the next stage, step or evaluation.
    ///
    /// - Returns: `false` where there is none.
    private func goOn() throws -> Bool {
        guard let trainer else { return try beginStage() }
        if isEvaluationDue {
            isEvaluationDue = false
            try evaluate(trainer, inTurn: true)
        } else if trainer.isFinished {
            if let note = trainer.stallNote { events.append(.note(note)) }
            try endStage(trainer)
        } else if isStopped {
            isInterrupted = true
            let isEvaluated = trainer.history.last?.step == trainer.stage.firstStep + trainer.step
            if isEvaluated || closing != nil {
                try endStage(trainer)
            } else {
                try evaluate(trainer, inTurn: false)
            }
        } else if let step = try trainer.advance() {
            events.append(.progress(step.progress))
            if let metrics = step.metrics {
                log.append(metrics)
                events.append(.step(metrics))
            }
            isEvaluationDue = step.isEvaluationDue
        }
        return true
    }

    private func beginStage() throws -> Bool {
        guard finishedStages < plan.stages.count, !isInterrupted else { return false }
        let trainer = try plan.trainer(finishedStages)
        trainer.best = best
        if let name = trainer.stage.name { events.append(.note("Stage \(name) begins.")) }
        self.trainer = trainer
        return true
    }

    private func endStage(_ trainer: Trainer) throws {
        try trainer.endEvaluation()
        history += trainer.history
        steps += trainer.step
        finishedStages += 1
        self.trainer = nil
    }

    private func evaluate(_ trainer: Trainer, inTurn: Bool) throws {
        try trainer.beginEvaluation(inTurn: inTurn)
        let logits: Logits
        let values: MetricValues
        do {
            let shouldStop = inTurn ? abandonsEvaluation : { false }
            guard let all = try plan.validationLogits(shouldStop: shouldStop),
                let measured = try plan.metrics(all, shouldStop: shouldStop)
            else {
                isEvaluationDue = true
                return events.append(.note("The evaluation was given up."))
            }
            (logits, values) = (all, measured)
        } catch is NonFiniteLogitsError {
            throw trainer.notFinite("the model's logits for the validation data are no numbers")
        }
        let metrics: EpochMetrics
        if inTurn {
            metrics = try trainer.record(values, logits: logits)
            best = trainer.best
        } else {
            metrics = try trainer.evaluation(values)
            if metrics.isBest { best = try trainer.checkpoint(metrics, logits: logits) }
            closing = metrics
        }
        events.append(.evaluated(metrics))
    }

    /// The outcome so far: what is saved with a new best checkpoint.
    func outcome() throws -> TrainingOutcome {
        TrainingOutcome(
            validation: try best?.logits ?? plan.allValidationLogits(),
            history: history + (trainer?.history ?? []) + [closing].compactMap(\.self),
            metric: best?.metric ?? .nan, bestEpoch: best?.epoch ?? trainer?.epochNow ?? 0,
            steps: steps + (trainer?.step ?? 0),
            interrupted: isInterrupted || finishedStages < plan.stages.count,
            log: log)
    }

    /// Gives the model the best checkpoint's weights, after the last event.
    func finish() throws -> TrainingOutcome {
        if let best { try plan.model.restore(best.parameters) }
        return try outcome()
    }

    /// Trains to the end, or until it is to stop; goes on from the run's checkpoint, and saves checkpoints where they are due.
    ///
    /// - Parameters:
    ///   - name: The training's name within the run.
    ///   - save: Receives the outcome so far with each new best checkpoint.
    /// - Throws: ``InterruptedError`` where only a checkpoint was wanted.
    func run(
        _ context: RunContext, as name: String, save: (TrainingOutcome) throws -> Void = { _ in }
    ) throws -> TrainingOutcome {
        let checkpoints = context.checkpoints
        try checkpoints?.restore(self, name)
        abandonsEvaluation = context.isLeaving
        let agreement = context.processes.map(StopAgreement.init)
        var isImproved = false
        while let event = try next() {
            context.log.send(event)
            if event.isImprovement {
                isImproved = true
                try save(outcome())
            }
            guard isBetweenEvents else { continue }
            let agreed = try agreement?.result()
            let request = agreement == nil ? context.stopRequest() : agreed?.stop
            if request != nil, !isStopped {
                try trainer?.exchangeSums()
                try checkpoints?.stop(self, name, request)
            }
            if agreed?.saves ?? false {
                try trainer?.exchangeSums()
                try checkpoints?.save(self, name)
            }
            let isDue = try request == nil && checkpoints?.isDue(self, isImproved: isImproved) ?? false
            if isDue, agreement == nil { try checkpoints?.save(self, name) }
            try agreement?.want(.init(stop: context.stopRequest(), saves: isDue))
            if request != nil { stop() }
            isImproved = false
        }
        _ = try agreement?.result()
        let outcome = try finish()
        if let warning = try scaleWarning() { context.log.warnOnce(warning) }
        try checkpoints?.finish(name, plan.model, outcome)
        return outcome
    }

    // MARK: - State

    /// True if no event waits to be requested.
    var isBetweenEvents: Bool { events.isEmpty }

    /// The optimizer steps so far.
    var stepsDone: Int { steps + (trainer?.step ?? 0) }

    /// Returns a copy of everything that the rest of the training depends on.
    func state() throws -> State {
        State(
            finishedStages: finishedStages, history: history, steps: steps, log: log, best: best,
            trainer: try trainer?.state(), isEvaluationDue: isEvaluationDue)
    }

    /// Goes on from a state of a training with the same plan.
    ///
    /// - Throws: `TorchError` where the state is of another model.
    func restore(_ state: State) throws {
        (finishedStages, history, steps, log) = (state.finishedStages, state.history, state.steps, state.log)
        (best, isEvaluationDue) = (state.best, state.isEvaluationDue)
        trainer = nil
        guard let saved = state.trainer else { return }
        let trainer = try plan.trainer(finishedStages)
        try trainer.restore(saved)
        self.trainer = trainer
    }

    /// A warning about a regression model that is worse than the constant baseline, the labels' mean; `nil` where it is not.
    private func scaleWarning() throws -> String? {
        guard plan.validation.problemType.definition.metricForBest == .r2, let logits = best?.logits,
            let r2 = try plan.metrics(logits)[.r2], r2 < 0
        else { return nil }
        return String(
            format:
                "The best checkpoint's R² on the validation data is %.3g: always predicting the labels' mean would be "
                + "nearer. Train longer, with a larger --learning-rate, or bring the labels to a scale such as 0 to 1.",
            r2)
    }

    /// Adds to an error where the last good weights are: each new best checkpoint was passed on to be saved.
    private func kept(after error: NonFiniteLossError) -> NonFiniteLossError {
        let kept = best.map {
            String(format: "the best checkpoint (epoch %.2f) is kept in the output directory", $0.epoch)
        }
        return NonFiniteLossError(
            description: error.description + "; "
                + (kept ?? "no checkpoint was evaluated before it, so nothing is saved"))
    }
}

extension RunEvent {
    /// True if the event is the evaluation of a checkpoint that is better than all before it.
    fileprivate var isImprovement: Bool {
        if case .evaluated(let metrics) = self { return metrics.isBest }
        return false
    }
}
