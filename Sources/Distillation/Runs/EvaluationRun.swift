import Datasets
import Files
import Foundation
import Safetensors
import Transformers

/// Evaluates a model on labeled examples, and compares it with a teacher where one is given.
public struct EvaluationRun {
    public let request: EvaluateRequest

    public init(_ request: EvaluateRequest) throws {
        try SettingLimits.require(request.batchSize, "batch_size")
        self.request = request
    }

    /// - Parameters:
    ///   - onEvent: Receives the run's events.
    ///   - shouldStop: Called often; true ends the run.
    ///   - processes: The processes that compute a part each; `nil` for this one alone.
    /// - Throws: ``InterruptedError`` where `shouldStop` became true.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        processes: Processes? = nil
    ) throws -> EvaluationReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let classifier = try LoadedModel(request.model, device: request.device, languageModels: true)
        let teacher = try request.teacher.map {
            try LoadedModel($0, device: request.device, languageModels: true)
        }
        let type = classifier.model.configuration.task
        try request.columns.requireFittingTranslations(type)
        try teacher.map { try requireComparable(classifier, $0) }
        for warning in classifier.warnings + (teacher?.warnings ?? []) { log.warnOnce(warning) }
        if let note = classifier.model.configuration.roundingNote { log.send(.note(note)) }
        let classifiers = [classifier] + [teacher].compactMap(\.self)
        var data = try data(for: classifiers, type, log, processes)
        let vocabulary = try vocabulary(classifiers, &data)
        let isComparable = try vocabulary != nil || haveSameRows(data)
        if !isComparable { log.send(.note(Self.differentTokens)) }
        let encoded = data.map(\.dataset)
        let logits = try log.phase("Evaluating") {
            let (whole, states) =
                try isComparable
                ? teacherStates(classifiers, encoded, vocabulary, processes, shouldStop) : (nil, nil)
            return try classifiers.indices.map { index in
                try index == 1
                    ? whole?.statistics(encoded[1], batchSize: request.batchSize)
                        ?? self.logits(classifiers[1], encoded[1], nil, log, processes, shouldStop)
                    : self.logits(classifiers[0], encoded[0], states, log, processes, shouldStop)
            }
        }
        let told = try scores(for: classifier, data[0], type, log)
        // What the model is compared with, row by row.
        let theirs = try logits.count > 1 ? rows(of: logits[1], classifiers, encoded[0]) : told
        let latencies = try latencies(classifiers, encoded, log, processes)
        let evaluations = try classifiers.indices.map { index in
            var evaluation = try Evaluator.evaluation(
                classifiers[index].model, logits: logits[index], targets: encoded[index].targets,
                teacher: index > 0 || !isComparable ? nil : theirs,
                bytesOnDisk: SafetensorsCheckpoint.weightBytes(in: classifiers[index].directory),
                latency: latencies[index])
            if index > 0, scoresPairs(classifiers) { evaluation.scoresPairs = true }
            return evaluation
        }
        let beside = try theirs.map {
            ($0, try evaluations.count > 1 ? evaluations[1] : Self.evaluation(of: $0, classifier, encoded[0]))
        }
        return EvaluationReport(
            model: evaluations[0], teacher: beside?.1,
            comparison: try !isComparable
                ? nil
                : beside.map {
                    try Evaluator.comparison(
                        student: (logits[0], evaluations[0]), teacher: $0, targets: encoded[0].targets)
                },
            labels: classifier.labels.names, problemType: type, data: data[0].record)
    }

    /// A teacher's outputs as the model has rows: a cross-encoder's scores of pairs at each text that a model for embeddings reads.
    private func rows(of outputs: Logits, _ models: [LoadedModel], _ texts: EncodedDataset) throws -> Logits {
        guard scoresPairs(models) else { return outputs }
        guard let groups = texts.targets.groups else {
            throw DistillationError(
                "\(request.data.path): holds texts alone; a teacher that scores pairs is compared on queries with documents, or on "
                    + "pairs of texts")
        }
        return try groups.byText(outputs, of: request.data)
    }

    /// The evaluation of a teacher that is known by its scores.
    private static func evaluation(
        of scores: Logits, _ model: LoadedModel, _ data: EncodedDataset
    ) throws -> ModelEvaluation {
        try Evaluator.evaluation(names: model.labels.names, logits: scores, targets: data.targets)
    }

    /// The models' times for single examples; `nil` each where none are to be taken.
    private func latencies(
        _ models: [LoadedModel], _ data: [EncodedDataset], _ log: RunLog, _ processes: Processes?
    ) throws -> [LatencyStatistics?] {
        let samples = processes.isFirst ? request.latencySamples : 0
        guard samples > 0 else { return models.map { _ in nil } }
        return try log.phase("Timing") {
            try LatencyProbe.measure(
                zip(models, data).map { .init(model: $0.model, dataset: $1, precision: request.precision) },
                samples: samples)
        }
    }

    /// Returns true for a model for embeddings with a teacher that gives a query's documents scores.
    private func scoresPairs(_ models: [LoadedModel]) -> Bool {
        guard models.count > 1 else { return false }
        let (own, teacher) = (models[0].model.configuration.task, models[1].model.configuration.task)
        return own.embedsTexts && teacher.ranksDocuments
    }

    /// - Throws: ``DistillationError`` for models of two tasks, or with other labels.
    private func requireComparable(_ model: LoadedModel, _ teacher: LoadedModel) throws {
        let type = model.model.configuration.task
        if scoresPairs([model, teacher]) { return }
        if scoresPairs([teacher, model]) {
            throw DistillationError(
                "\(request.model.path) scores pairs of texts, its teacher \(teacher.directory.path) gives each text a vector: only the "
                    + "other order can be compared; give --model \(teacher.directory.path) --teacher \(request.model.path)"
            )
        }
        guard teacher.model.configuration.task == type else {
            throw DistillationError(
                "\(request.model.path) is a model for \(type.rawValue), \(teacher.directory.path) for "
                    + "\(teacher.model.configuration.task.rawValue); they cannot be compared")
        }
        // The name of a regression's single output carries no meaning.
        if type.definition.fixedClassNames == nil,
            let difference = model.labels.difference(from: teacher.labels)
        {
            throw DistillationError(
                "\(request.model.path) and \(teacher.directory.path) have different labels: \(difference)")
        }
    }

    /// The logits of a teacher that is known by its scores; `nil` without such.
    private func scores(
        for model: LoadedModel, _ data: LoadedData, _ type: TaskIdentifier, _ log: RunLog
    ) throws -> Logits? {
        guard !request.teacherScores.isEmpty || request.scoresColumn != nil else { return nil }
        guard request.teacher == nil else {
            throw DistillationError(
                "--teacher and --teacher-scores: a model is compared with one teacher; give one of both")
        }
        let scores = ScoresRequest(request.teacherScores, column: request.scoresColumn)
        let files = scores.files.isEmpty ? [request.data] : scores.files
        let survey = try ScoreSurvey(scores, files: files, columns: request.columns)
        let teacher = try ScoreTeacher(
            survey, files: files, data: [request.data], counts: [data.dataset.count], required: 1,
            labels: model.labels, type: type, columns: request.columns)
        for finding in teacher.findings { log.send(finding) }
        return try teacher.table.outputs(for: data.dataset, files: [0])?.logits()
    }

    /// The data as each model reads them: by its own tokenizer's ids.
    ///
    /// - Throws: ``DistillationError`` where another process evaluates something else.
    private func data(
        for models: [LoadedModel], _ type: TaskIdentifier, _ log: RunLog, _ processes: Processes?
    ) throws -> [LoadedData] {
        let isOfPairs = scoresPairs(models)
        let data = try log.phase("Reading and tokenizing data") {
            try processes.firstOfMachineFirst {
                try models.enumerated().map { index, model in
                    var loader = try request.cache.loader(
                        request.columns.options, tokenizer: model.tokenizer,
                        directory: model.tokenizerDirectory,
                        maxLength: model.maxLength(request.maxLength),
                        languageModel: model.languageModelText(
                            request.columns, maxLength: model.maxLength(request.maxLength)),
                        prompt: model.prompt, log: log)
                    loader.isForTraining = false
                    loader.ranking = RankingColumns(pairsAreGroups: isOfPairs)
                    loader.translations = try request.columns.translations.map {
                        TranslationSource(columns: $0, readsSourcesAlone: index > 0)
                    }
                    let type = isOfPairs ? model.model.configuration.task : type
                    return try loader.load(
                        request.data,
                        labels: type.predictsTokens
                            ? .ignored : .given((isOfPairs ? model : models[0]).labels),
                        problemType: type)
                }
            }
        }
        guard let processes else { return data }
        var contents = ["the data": data[0].record.sha256]
        for model in models {
            contents[model.directory.path] = try TeacherIdentity(
                model, precision: .float32, memo: DigestMemo(root: request.cache.root)
            ).key
        }
        try processes.requireSame(contents)
        return data
    }

    /// The tokens of a language model's teacher that the model has, where these are some of them: the teacher then reads the model's
    /// own tokens. `nil` for other models.
    private func vocabulary(_ models: [LoadedModel], _ data: inout [LoadedData]) throws -> TeacherVocabulary?
    {
        guard models.count > 1, models[1].model.configuration.task.predictsTokens,
            let vocabulary = TeacherVocabulary(student: models[0].tokenizer, teacher: models[1].tokenizer)
        else { return nil }
        data[1].dataset = data[0].dataset.renumbered(vocabulary.teacherIDs)
        return vocabulary
    }

    private static let differentTokens =
        "The teacher's tokenizer gives other tokens, so that probabilities of tokens, perplexities by token and their divergence cannot be "
        + "compared: each model is measured on its own tokens, and bits_per_byte and byte_perplexity compare both."

    /// Returns false for two language models whose tokenizers give other tokens.
    private func haveSameRows(_ data: [LoadedData]) throws -> Bool {
        guard data.count > 1, data[0].dataset.problemType.definition.predictsTokens else { return true }
        return try data[0].dataset.hasSameTokens(as: data[1].dataset)
    }

    /// The states of a language model's teacher with all of its tokens, and with those of the model, beside which it is evaluated; `nil`
    /// without a teacher, and for other models.
    private func teacherStates(
        _ models: [LoadedModel], _ data: [EncodedDataset], _ vocabulary: TeacherVocabulary?,
        _ processes: Processes?, _ shouldStop: () -> Bool
    ) throws -> (whole: TeacherStates?, own: TeacherStates?) {
        guard models.count > 1, models[1].model.configuration.task.predictsTokens else { return (nil, nil) }
        let teacher = models[1]
        let rows = try Inference.rows(
            .teaching(teacher.model, as: .float32), teacher.model, data[1], batchSize: request.batchSize,
            precision: request.precision, of: teacher.directory.path, processes: processes,
            shouldStop: shouldStop)
        guard let rows else { throw InterruptedError() }
        let head = try teacher.model.languageModelHead
        let own = try vocabulary?.rows(of: head) ?? head
        return (
            TeacherStates(states: rows, coding: .float32, weight: head),
            TeacherStates(states: rows, coding: .float32, weight: own)
        )
    }

    private func logits(
        _ classifier: LoadedModel, _ dataset: EncodedDataset, _ teacher: TeacherStates?, _ log: RunLog,
        _ processes: Processes?, _ shouldStop: () -> Bool
    ) throws -> Logits {
        try Inference.allLogits(
            classifier.model, dataset, batchSize: request.batchSize, beside: teacher,
            precision: request.precision,
            of: classifier.directory.path, processes: processes,
            onProgress: { log.progress($0, of: dataset.count) },
            shouldStop: shouldStop)
    }
}
