import Foundation
import Transformers

/// Makes the report of a distillation run: the student beside its teacher, its baseline, and other seeds.
struct DistillationReportBuilder {
    let request: DistillRequest
    let prepared: PreparedDistillation
    let output: URL
    let identity: RunIdentity
    let context: RunContext
    /// What the checks found that the report keeps.
    let findings: [Finding]

    var setup: DistillationSetup { prepared.setup }
    private var validation: EncodedDataset { setup.data.validation }
    private var builder: RunReportBuilder {
        RunReportBuilder(command: "run", data: setup.data, output: output, log: context.log)
    }

    /// The report of a checkpoint while training goes on: without latencies and test data.
    func report(checkpoint: Repetition) throws -> RunReport { try validationReport(checkpoint, (nil, nil)) }

    /// The report of a run at its end.
    ///
    /// - Parameter best: The index of the repetition that is saved.
    func report(_ all: [Repetition], best: Int) throws -> RunReport {
        let model = all[best].student.model
        let latencies = try LatencyProbe.measure(
            [.init(model: model, dataset: validation)]
                + setup.teachers.prefix(1).map {
                    .init(model: $0.classifier.model, dataset: $0.data.validation)
                }, samples: request.quantizeAware ? 0 : 200)  // rounding in floating point is slow
        var report = try validationReport(
            all[best], (latencies[0], latencies.count > 1 ? latencies[1] : nil))
        report.interrupted = all.contains { $0.student.outcome.interrupted }
        report.retrieval = try retrievalReport(all[best])
        report.embedding = try embeddingRecord(all, all[best])
        addMeasured(to: &report, all[best])
        // Only finished models are evaluated on the test data: nothing is chosen by it.
        let test = try testLogits(all)
        report.test = try test.flatMap { try testResults(all[best], $0[best]) }
        if request.seeds > 1 {
            report.seeds = try summary(all, test, saved: all[best].seed)
        }
        return report
    }

    // MARK: - On the validation data

    private func validationReport(
        _ best: Repetition, _ latencies: (student: LatencyStatistics?, teacher: LatencyStatistics?)
    ) throws -> RunReport {
        let student = best.student
        var report = try builder.report(
            student.model, student.outcome, settings: settings(best), latency: latencies.student)
        report.identity = identity
        report.vocabulary = setup.teachers.first.flatMap { teacher in
            teacher.vocabulary.map {
                .init(
                    tokensBefore: teacher.classifier.tokenizer.vocabularySize,
                    tokensAfter: $0.teacherIDs.count,
                    lostMass: prepared.outputs.lostMass)
            }
        }
        report.alignment = setup.teachers.first?.spans.map {
            RunReport.TokenAlignment(
                coverage: $0.coverage, singleTokenSpans: $0.agreement,
                sharedTokens: $0.shared.teacher.count)
        }
        if let rows = prepared.outputs.validation {
            let beside = try teacherEvaluation(rows, validation, latencies.teacher)
            report.teacher = beside
            report.comparison = try Evaluator.comparison(
                student: (student.outcome.validation, report.student), teacher: (rows, beside),
                targets: setup.teachesPairScores ? validation.targets : nil)
        }
        if let rows = prepared.outputs.alone.validation, let own = setup.teachers.first?.data.validation {
            report.teacher = try teacherEvaluation(rows, own, latencies.teacher)
        }
        addMeasured(to: &report, best)
        if let baseline = best.baseline {
            report.baseline = try RunReportBuilder.evaluation(
                baseline.model, baseline.outcome.validation, validation, nil)
            report.gain = try gain(student.outcome.validation, baseline.outcome.validation, validation)
        }
        return report
    }

    /// The teacher's evaluation; of scores without a model's size and speed.
    private func teacherEvaluation(
        _ rows: Logits, _ data: EncodedDataset, _ latency: LatencyStatistics? = nil
    ) throws -> ModelEvaluation {
        var evaluation =
            try setup.teacher.map {
                try RunReportBuilder.evaluation($0.model, rows, data, $0.directory, latency)
            }
            ?? Evaluator.evaluation(names: setup.data.labels.names, logits: rows, targets: data.targets)
        if setup.teachesPairScores { evaluation.scoresPairs = true }
        return evaluation
    }

    private func gain(_ student: Logits, _ baseline: Logits, _ data: EncodedDataset) throws
        -> BaselineComparison
    {
        try BaselineComparison(
            student, baseline, targets: data.targets, metrics: setup.comparedMetrics,
            seed: request.training.seed)
    }

    private func settings(_ repetition: Repetition) -> RunReport.Settings {
        let usesDefaults = request.usesDefaultObjectives
        var training = request.training
        training.seed = repetition.seed
        var settings = RunReport.Settings(
            teacher: setup.teacher?.directory.path ?? request.scores.first?.name,
            student: request.resolved(for: setup.problemType).student,
            studentConfiguration: .init(repetition.student.model.configuration),
            temperature: usesDefaults ? request.resolved(for: setup.problemType).temperature : nil,
            alpha: usesDefaults ? request.alpha : nil, maxLength: setup.data.maxLength,
            validationSplit: request.data.validation == nil ? request.data.validationSplit : nil,
            training: training, device: request.device.description,
            precision: request.precision.resolved(on: request.device))
        settings.stages = request.plan(setup.problemType)
        settings.augmentation = request.augmentation
        settings.quantizeAware = request.quantizeAware ? true : nil
        settings.quantizeAwareType = request.quantizeAwareType
        if setup.teachers.count + setup.scores.count > 1 {
            settings.teachers =
                setup.teachers.map {
                    .init(path: $0.classifier.directory.path, weight: $0.request.weight)
                } + setup.scores.map { .init(path: $0.request.name, weight: $0.request.weight) }
            settings.combination = request.combination
        }
        return settings
    }

    // MARK: - On the test data

    /// A repetition's models on the test data.
    private typealias TestLogits = (student: Logits, baseline: Logits?)

    /// The logits of all repetitions for the test data; `nil` without such data, and where the run is stopped: all are
    /// compared on the same data, or on the validation data.
    private func testLogits(_ all: [Repetition]) throws -> [TestLogits]? {
        guard let test = setup.data.test else { return nil }
        func logits(_ model: TransformerModel) throws -> Logits? {
            try Inference.rows(
                .evaluating(model, beside: prepared.outputs.testStates), model, test.dataset,
                batchSize: request.training.perDeviceEvalBatchSize, of: "the student",
                shouldStop: context.shouldStop)
        }
        var results: [TestLogits] = []
        for repetition in all {
            guard let own = try logits(repetition.student.model) else { return nil }
            var result: TestLogits = (own, nil)
            if let baseline = repetition.baseline {
                guard let other = try logits(baseline.model) else { return nil }
                result.baseline = other
            }
            results.append(result)
        }
        return results
    }

    private func testResults(_ best: Repetition, _ logits: TestLogits) throws -> TestResults? {
        guard let data = setup.data.test else { return nil }
        let own = logits.student
        var results = TestResults(
            data: data.record,
            teacher: try prepared.outputs.test.map {
                try teacherEvaluation($0, data.dataset)
            },
            student: try RunReportBuilder.evaluation(best.student.model, own, data.dataset, output))
        if let rows = prepared.outputs.alone.test, let own = setup.teachers.first?.data.test {
            results.teacher = try teacherEvaluation(rows, own.dataset)
        }
        if let theirs = prepared.outputs.test, let evaluation = results.teacher {
            results.comparison = try Evaluator.comparison(
                student: (own, results.student), teacher: (theirs, evaluation),
                targets: setup.teachesPairScores ? data.dataset.targets : nil)
            try addTranslations(to: &results, own, theirs, data.dataset.targets)
        }
        if let model = best.baseline?.model, let other = logits.baseline {
            results.baseline = try RunReportBuilder.evaluation(model, other, data.dataset, nil)
            results.gain = try gain(own, other, data.dataset)
        }
        return results
    }

    // MARK: - Over the seeds

    /// - Parameter test: The logits for the test data; `nil` to summarize the validation data's.
    private func summary(_ all: [Repetition], _ test: [TestLogits]?, saved: UInt64) throws -> SeedSummary {
        let data = test == nil ? validation : setup.data.test?.dataset ?? validation
        let logits =
            test ?? all.map { ($0.student.outcome.validation, $0.baseline?.outcome.validation) }
        let results = try zip(all, logits).map { repetition, logits in
            let (own, other) = logits
            return SeedResult(
                seed: repetition.seed, student: try Evaluator.validation(own, targets: data.targets),
                baseline: try other.map { try Evaluator.validation($0, targets: data.targets) },
                gain: try other.map { try gain(own, $0, data) },
                bestEpoch: repetition.student.outcome.bestEpoch, steps: repetition.student.outcome.steps)
        }
        // Beside a teacher with another tokenizer nothing is known of the divergence from it.
        let metrics = setup.comparedMetrics.filter { metric in
            results.allSatisfy { $0.student[metric] != nil }
        }
        return SeedSummary(results, saved: saved, metrics: metrics)
    }
}
