import Foundation
import Reports
import Safetensors
import Torch
import Transformers

/// Trains the student, and its baseline where it is asked for, once for each seed; keeps and reports the best.
struct SeededRuns {
    let request: DistillRequest
    let lesson: Lesson
    let output: OutputDirectory
    let log: RunLog
    let shouldStop: () -> Bool

    /// One repetition.
    private struct Repetition {
        let seed: UInt64
        let model: TransformerModel
        var outcome: TrainingSession.Outcome
        var baseline: (model: TransformerModel, outcome: TrainingSession.Outcome)?
    }

    private var setup: DistillationSetup { lesson.setup }
    private var seeds: [UInt64] { (0..<request.seeds).map { request.training.seed &+ UInt64($0) } }
    /// The metric that chooses among checkpoints and among seeds.
    private let metric: MetricName

    init(
        request: DistillRequest, lesson: Lesson, output: OutputDirectory, log: RunLog,
        shouldStop: @escaping () -> Bool
    ) throws {
        self.request = request
        self.lesson = lesson
        self.output = output
        self.log = log
        self.shouldStop = shouldStop
        metric = try MetricName.forBest(
            request.training.metricForBestModel, problemType: lesson.setup.problemType, hasTeacher: true)
    }

    func run() throws -> RunReport {
        var all: [Repetition] = []
        for seed in seeds {
            var repetition = try student(seed, best: all.map(\.outcome.metric))
            if request.baseline, !repetition.outcome.interrupted {
                let baseline = try baseline(seed, steps: repetition.outcome.steps)
                // One that was cut short is no measure of what the teacher was worth.
                if baseline.1.interrupted {
                    repetition.outcome.interrupted = true
                } else {
                    repetition.baseline = baseline
                }
            }
            all.append(repetition)
            if repetition.outcome.interrupted { break }
        }
        return try log.phase("Evaluation") {
            let best = bestPlace(all.map(\.outcome.metric))
            var report = try report(all[best], all: all, latencySamples: 200)
            let analysis = setup.data.analysis(
                student: all[best].outcome.validation, teacher: lesson.outputs.validation,
                request: request.data, cache: request.cache, limit: request.reportExamples, log: log)
            try save(all[best], &report, analysis)
            return report
        }
    }

    private func isBetter(_ value: Double, than others: [Double]) -> Bool {
        others.allSatisfy { metric.improvement(of: value, over: $0) > 0 }
    }

    /// The first of the best.
    private func bestPlace(_ metrics: [Double]) -> Int {
        metrics.indices.reduce(0) { best, place in
            isBetter(metrics[place], than: [metrics[best]]) ? place : best
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

    /// - Parameter best: The metrics of the seeds before: a checkpoint is saved where it beats them.
    private func student(_ seed: UInt64, best: [Double]) throws -> Repetition {
        let student = try lesson.student(seed: seed)
        if seed == seeds.first { for note in student.notes { log.send(.note(note)) } }
        let session = lesson.session(student.model, arguments(seed))
        let outcome = try log.phase(title("Training", seed)) {
            try session.run(log: log, shouldStop: shouldStop) { outcome in
                guard isBetter(outcome.metric, than: best) else { return }
                let now = Repetition(seed: seed, model: student.model, outcome: outcome)
                var report = try report(now, all: [now], latencySamples: 0)
                try save(now, &report)
            }
        }
        return Repetition(seed: seed, model: student.model, outcome: outcome)
    }

    private func baseline(_ seed: UInt64, steps: Int) throws -> (
        TransformerModel, TrainingSession.Outcome
    ) {
        let student = try lesson.student(seed: seed)
        let session = lesson.baseline(student.model, arguments(seed), steps: steps)
        let quiet = log.withoutMetrics()
        let outcome = try log.phase(title("Training the baseline, without the teacher", seed)) {
            try session.run(log: quiet, shouldStop: shouldStop)
        }
        return (student.model, outcome)
    }

    // MARK: - The report

    private func report(_ best: Repetition, all: [Repetition], latencySamples: Int) throws -> RunReport {
        let validation = setup.data.validation
        let teacher = setup.teacher
        let latencies = try LatencyProbe.measure(
            [
                .init(model: best.model, dataset: validation),
                .init(model: teacher.model, dataset: setup.teachers[0].data.validation),
            ], samples: request.quantizeAware ? 0 : latencySamples)  // rounding in floating point is slow
        func evaluation(
            _ model: TransformerModel, _ logits: Logits, _ data: EncodedDataset, _ directory: URL?,
            _ latency: LatencyStatistics?
        ) throws -> ModelEvaluation {
            try Evaluator.evaluation(
                model, logits: logits, targets: data.targets,
                bytesOnDisk: directory.map { SafetensorsCheckpoint.weightBytes(in: $0) } ?? 0,
                latency: latency)
        }
        let student = try evaluation(
            best.model, best.outcome.validation, validation, output.url, latencies[0])
        let beside = try evaluation(
            teacher.model, lesson.outputs.validation, validation, teacher.directory, latencies[1])
        var report = RunReport(
            command: "run", output: output.url.path, labels: setup.data.labels.names,
            classes: setup.data.classCounts, settings: settings(best),
            train: setup.data.trainRecord, validation: setup.data.validationRecord, teacher: beside,
            student: student,
            comparison: try Evaluator.comparison(
                student: (best.outcome.validation, student), teacher: (lesson.outputs.validation, beside)),
            epochs: best.outcome.history, bestEpoch: best.outcome.bestEpoch,
            interrupted: all.contains { $0.outcome.interrupted }, steps: best.outcome.steps,
            phases: log.phases,
            versions: .current)
        if let baseline = best.baseline {
            report.baseline = try evaluation(
                baseline.model, baseline.outcome.validation, validation, nil, nil)
            report.gain = try gain(best.outcome.validation, baseline.outcome.validation, validation)
        }
        // Only finished models are judged on the test data: nothing is chosen by it.
        guard latencySamples > 0 else { return report }
        let test = try all.map { try testLogits($0) }
        if let data = setup.data.test, let place = all.firstIndex(where: { $0.seed == best.seed }),
            let own = test[place].student
        {
            var results = TestResults(
                data: data.record,
                teacher: try lesson.outputs.test.map {
                    try evaluation(teacher.model, $0, data.dataset, teacher.directory, nil)
                },
                student: try evaluation(best.model, own, data.dataset, output.url, nil))
            if let theirs = lesson.outputs.test, let evaluation = results.teacher {
                results.comparison = try Evaluator.comparison(
                    student: (own, results.student), teacher: (theirs, evaluation))
            }
            if let model = best.baseline?.model, let other = test[place].baseline {
                results.baseline = try evaluation(model, other, data.dataset, nil, nil)
                results.gain = try gain(own, other, data.dataset)
            }
            report.test = results
        }
        if seeds.count > 1 { report.seeds = try summary(all, test, saved: best.seed) }
        return report
    }

    /// A repetition's models on the test data.
    private func testLogits(_ repetition: Repetition) throws -> (student: Logits?, baseline: Logits?) {
        guard let test = setup.data.test else { return (nil, nil) }
        // A run that was stopped is saved without looking at the test data.
        func logits(_ model: TransformerModel) throws -> Logits? {
            try Inference.logits(
                model, test.dataset, batchSize: request.training.perDeviceEvalBatchSize, of: "the student",
                shouldStop: shouldStop)
        }
        return (try logits(repetition.model), try repetition.baseline.flatMap { try logits($0.model) })
    }

    private func summary(
        _ all: [Repetition], _ test: [(student: Logits?, baseline: Logits?)], saved: UInt64
    ) throws -> SeedSummary {
        let data = setup.data.test?.dataset ?? setup.data.validation
        let results = try zip(all, test).map { repetition, test in
            let own = test.student ?? repetition.outcome.validation
            let other = test.baseline ?? repetition.baseline?.outcome.validation
            return SeedResult(
                seed: repetition.seed, student: try Evaluator.validation(own, targets: data.targets),
                baseline: try other.map { try Evaluator.validation($0, targets: data.targets) },
                gain: try other.map { try gain(own, $0, data) }, bestEpoch: repetition.outcome.bestEpoch,
                steps: repetition.outcome.steps)
        }
        let metric = MetricName.ofTask(setup.problemType)
        func spread(_ values: [Double]) -> SeedSummary.Spread? {
            values.isEmpty ? nil : SeedSummary.Spread(metric: metric, values)
        }
        return SeedSummary(
            runs: results, saved: saved,
            student: .init(metric: metric, results.compactMap { $0.student[metric] }),
            baseline: spread(results.compactMap { $0.baseline?[metric] }),
            gain: spread(results.compactMap { $0.gain?.difference }))
    }

    private func gain(_ student: Logits, _ baseline: Logits, _ data: EncodedDataset) throws -> Gain {
        try Gain(student, baseline, targets: data.targets, seed: request.training.seed)
    }

    private func settings(_ repetition: Repetition) -> RunReport.Settings {
        let usesDefaults = request.usesDefaultObjectives
        var settings = RunReport.Settings(
            teacher: setup.teacher.directory.path, student: request.student,
            studentConfiguration: .init(repetition.model.configuration),
            temperature: usesDefaults ? request.temperature : nil,
            alpha: usesDefaults ? request.alpha : nil, maxLength: setup.data.maxLength,
            validationSplit: request.data.validation == nil ? request.data.validationSplit : nil,
            training: arguments(repetition.seed), device: request.device.description,
            precision: request.precision.resolved(on: request.device))
        settings.stages = request.plan(setup.problemType)
        settings.augmentation = request.augmentation
        settings.quantizeAware = request.quantizeAware ? true : nil
        if setup.teachers.count > 1 {
            settings.teachers = setup.teachers.map {
                .init(path: $0.classifier.directory.path, weight: $0.request.weight)
            }
            settings.combination = request.combination
        }
        return settings
    }

    /// - Parameter analysis: Of a run at its end.
    private func save(
        _ repetition: Repetition, _ report: inout RunReport, _ analysis: PredictionAnalysis? = nil
    ) throws {
        try output.save(
            repetition.model, tokenizerDirectory: setup.tokenizerDirectory, report: &report,
            extras: .init(history: repetition.outcome.log.text, analysis: analysis, card: request.card),
            warn: { log.warnOnce($0) })
    }
}
