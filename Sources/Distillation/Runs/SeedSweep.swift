import Foundation
import Torch
import Transformers

/// Trains the student, and its baseline where it is requested, once for each seed.
struct SeedSweep {
    let request: DistillRequest
    let prepared: PreparedDistillation
    let context: RunContext
    /// The metric that chooses among checkpoints and among seeds.
    private let metric: MetricName

    init(request: DistillRequest, prepared: PreparedDistillation, context: RunContext) throws {
        self.request = request
        self.prepared = prepared
        self.context = context
        metric = try MetricName.forBest(
            request.training.metricForBestModel, problemType: prepared.setup.problemType,
            hasTeacher: prepared.outputs.validation != nil
                && StudentBuilder(prepared.setup, seed: request.training.seed).isNearTeacher)
    }

    /// The seeds, which count up from the training's.
    private var seeds: [UInt64] { (0..<request.seeds).map { request.training.seed &+ UInt64($0) } }

    /// Trains to the end, or until it is to stop.
    ///
    /// - Parameter save: Receives each checkpoint that is better than all before it, of all seeds.
    /// - Returns: At least one repetition; the last one is interrupted where the sweep was.
    func run(save: (Repetition) throws -> Void) throws -> [Repetition] {
        var all: [Repetition] = []
        for seed in seeds {
            var repetition = try student(seed, before: all, save)
            if request.baseline, !repetition.student.outcome.interrupted {
                let baseline = try baseline(seed, steps: repetition.student.outcome.steps)
                // An interrupted baseline is not comparable with the student.
                if baseline.outcome.interrupted {
                    repetition.student.outcome.interrupted = true
                } else {
                    repetition.baseline = baseline
                }
            }
            all.append(repetition)
            if repetition.student.outcome.interrupted { break }
        }
        return all
    }

    /// The first of the best repetitions, by its index.
    func best(of all: [Repetition]) -> Int {
        all.indices.reduce(0) { best, index in isBetter(all[index], than: [all[best]]) ? index : best }
    }

    private func isBetter(_ repetition: Repetition, than others: [Repetition]) -> Bool {
        others.allSatisfy {
            metric.improvement(of: repetition.student.outcome.metric, over: $0.student.outcome.metric) > 0
        }
    }

    private func arguments(_ seed: UInt64) -> TrainingArguments {
        var arguments = request.training
        arguments.seed = seed
        return arguments
    }

    private func title(_ name: String, _ seed: UInt64) -> String {
        seeds.count == 1 ? name : "\(name), seed \(seed)"
    }

    private func student(
        _ seed: UInt64, before all: [Repetition], _ save: (Repetition) throws -> Void
    ) throws -> Repetition {
        let name = "student-\(seed)"
        let student = try prepared.student(seed: seed)
        let plan = prepared.plan(student.model, arguments(seed))
        let initial = try seed == seeds.first ? self.initial(plan) : nil
        if let done = try done(name, student.model) {
            return Repetition(seed: seed, student: done, initial: initial)
        }
        if seed == seeds.first { for note in student.notes { context.log.send(.note(note)) } }
        let training = StagedTraining(plan)
        return try context.log.phase(title("Training", seed)) {
            func repetition(_ outcome: TrainingOutcome) -> Repetition {
                Repetition(
                    seed: seed, student: .init(model: student.model, outcome: outcome), initial: initial)
            }
            let outcome = try training.run(context, as: name) {
                let now = repetition($0)
                if isBetter(now, than: all) { try save(now) }
            }
            return repetition(outcome)
        }
    }

    /// The first student's metrics before training, which a checkpoint keeps; `nil` for other students than those for embeddings, which
    /// have no baseline, and those whose weights are rounded, and where the run is stopped.
    private func initial(_ plan: TrainingPlan) throws -> MetricValues? {
        let rounded = plan.model.rounded
        guard prepared.setup.problemType.definition.embedsTexts || rounded != nil else { return nil }
        let values = try context.checkpoints?.initial ?? measured(plan)
        context.checkpoints?.initial = values
        if let rounded, let divergence = values?[.kl] {
            context.log.send(
                .note(
                    "Rounded to \(rounded.rounding.name) before training, the student's mean divergence from its teacher (KL) is "
                        + String(format: "%.4f.", divergence)))
        }
        return values
    }

    /// A model's metrics on the validation data; `nil` where it was stopped.
    private func measured(_ plan: TrainingPlan) throws -> MetricValues? {
        try context.log.phase("Evaluating the student before training") {
            try plan.validationLogits(shouldStop: context.shouldStop).flatMap {
                try plan.metrics($0, shouldStop: context.shouldStop)
            }
        }
    }

    private func baseline(_ seed: UInt64, steps: Int) throws -> Repetition.Trained {
        let name = "baseline-\(seed)"
        let student = try prepared.student(seed: seed)
        if let done = try done(name, student.model) { return done }
        let plan = prepared.baseline(student.model, arguments(seed), steps: steps)
        if seed == seeds.first { context.log.send(.note(Self.note(plan, steps: steps))) }
        let training = StagedTraining(plan)
        let outcome = try context.log.phase(title("Training the baseline, without the teacher", seed)) {
            try training.run(context.withoutMetrics, as: name)
        }
        return .init(model: student.model, outcome: outcome)
    }

    /// What the baseline is trained on: its epochs are other than the student's where texts have no label.
    private static func note(_ plan: TrainingPlan, steps: Int) -> String {
        let epochs = Double(steps) / Double(plan.arguments.stepsPerEpoch(examples: plan.train.unitCount))
        return "The baseline takes as many steps as the student, \(steps): "
            + String(format: "%.1f epochs over the ", epochs)
            + "\(plan.train.count) examples that have a label."
    }

    /// Returns what was trained before the run was resumed; `nil` where it has to be trained.
    private func done(_ name: String, _ model: TransformerModel) throws -> Repetition.Trained? {
        guard let done = context.checkpoints?.finished(name) else { return nil }
        try model.restore(done.parameters)
        return .init(model: model, outcome: done.outcome)
    }
}
