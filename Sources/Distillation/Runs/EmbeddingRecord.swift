import Transformers

/// What a run of a student for embeddings is measured against, and what was found before it.
public struct EmbeddingRecord: Sendable, Equatable, Codable {
    /// The student before training, on the validation data; `nil` where the run was stopped.
    public var initial: MetricValues?
    /// The chosen student on the same data, with its distance from the teacher; `nil` where the run was stopped.
    public var student: MetricValues?
    /// The number of components of ``principalComponents``.
    public var components: Int?
    /// The teacher's vectors cut to as many principal components as the student is wide, on the validation data: what needs no student.
    /// `nil` where the student is as wide as the teacher.
    public var principalComponents: MetricValues?
    /// What the checks found about vectors and texts.
    public var findings: [Finding]
}

extension DistillationReportBuilder {
    /// The record of a student for embeddings; `nil` for other students.
    func embeddingRecord(_ all: [Repetition], _ best: Repetition) throws -> EmbeddingRecord? {
        guard setup.problemType.definition.embedsTexts else { return nil }
        var record = EmbeddingRecord(initial: all.first?.initial, findings: findings)
        record.student = best.student.outcome.history.last(where: \.isBest)?.validation
        guard let teacher = prepared.outputs.validation else { return record }
        let data = setup.data.validation
        if let components = prepared.outputs.components {
            record.components = components.count
            record.principalComponents = try Evaluator.validation(teacher, targets: data.targets)
            return record
        }
        let configuration = best.student.model.configuration
        let pooled =
            configuration.embedding?.pooledWidth(configuration.hiddenSize) ?? configuration.outputCount
        let width = min(pooled, configuration.outputCount)
        guard width < teacher.classes, prepared.outputs.train.count > width, !context.shouldStop() else {
            return record
        }
        let components = try PrincipalComponents(
            fitting: prepared.outputs.train, count: width, normalizes: setup.teachersNormalize)
        record.components = width
        record.principalComponents = try Evaluator.validation(
            ProjectedOutputs(base: teacher, components: components).logits(), targets: data.targets)
        return record
    }

    /// How well documents are found, at the end of a run; `nil` without such data, and where it was stopped.
    func retrievalReport(_ best: Repetition) throws -> RetrievalReport? {
        guard let evaluator = prepared.retrieval.map({ $0.alone }) else { return nil }
        let vectors = CachedVectors(
            batchSize: request.training.perDeviceEvalBatchSize, cache: request.cache, log: context.log,
            shouldStop: context.shouldStop)
        let teacher = evaluator.setup.teacher?.model.directory.path
        var results: [RetrievalReport.Result] = []
        if let teacher, let metrics = try evaluator.teacherMetrics(vectors) {
            results.append(
                .init(name: "teacher", queriesBy: teacher, documentsBy: teacher, metrics: metrics))
        }
        let model = best.student.model
        guard
            let own = try evaluator.metrics(model, ownDocuments: true, shouldStop: context.shouldStop)
        else { return nil }
        results.append(
            .init(name: "student", queriesBy: output.path, documentsBy: output.path, metrics: own))
        if let teacher, let documents = evaluator.documents,
            documents.classes == model.configuration.outputCount,
            let mixed = try evaluator.metrics(model, ownDocuments: false, shouldStop: context.shouldStop)
        {
            results.append(
                .init(name: "asymmetric", queriesBy: output.path, documentsBy: teacher, metrics: mixed))
        }
        return RetrievalReport(
            evaluator.setup.student, similarity: evaluator.setup.similarity, results: results)
    }

    /// Adds what was measured of documents and translations in training to the evaluations of student and teacher.
    func addMeasured(to report: inout RunReport, _ best: Repetition) {
        let chosen = best.student.outcome.history.last(where: \.isBest)?.validation
        for name in setup.problemType.definition.furtherMetrics {
            report.student.metrics[name] = chosen?[name] ?? report.student.metrics[name]
            // A teacher reads no translations; what it was not measured on by a search stays as the validation data have it.
            let found = report.retrieval?["teacher"]?.metrics[name.rawValue]
            if found != nil || TranslationMetrics.names.contains(name) {
                report.teacher?.metrics[name] = found
            }
        }
    }

    /// Adds to the results on test data how near translations are to the teacher's vectors of their texts.
    func addTranslations(
        to results: inout TestResults, _ student: Logits, _ teacher: Logits, _ targets: Targets
    ) throws {
        let task = setup.problemType.definition
        for name in TranslationMetrics.names { results.teacher?.metrics[name] = nil }
        results.student.metrics[.translationMSE] = try task.compare(
            student: student, teacher: teacher, targets)[.translationMSE]
    }
}

extension RetrievalEvaluator {
    /// The evaluator for this process alone.
    var alone: RetrievalEvaluator {
        RetrievalEvaluator(setup: setup, documents: documents, batchSize: batchSize, processes: nil)
    }
}
