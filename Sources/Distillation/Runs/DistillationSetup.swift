import Datasets
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// Everything that a distillation run needs before its first step: models and data, checked against one another.
struct DistillationSetup {
    private(set) var request: DistillRequest
    /// The first decides the labels and, unless the student brings its own, the tokenizer.
    let teachers: [LoadedTeacher]
    /// The teachers that are known by their scores.
    let scores: [ScoreTeacher]
    /// The examples as the student reads them.
    let data: RunData
    let tokenizer: Tokenizer
    let tokenizerDirectory: URL
    /// The text that stands before each of the student's texts.
    let prompt: String
    let problemType: TaskIdentifier
    /// The reason why losses that compare tokens cannot be used, worded to end a sentence; `nil` where they can.
    let tokensDiffer: String?
    /// The fits of students to their teacher.
    let projection: TeacherProjection
    /// The queries and documents by which checkpoints are evaluated; `nil` where there are none.
    let retrieval: RetrievalSetup?
    /// The table that a static student starts from; `nil` for other students.
    private let start: StaticStart?
    /// The tokens of a student that has fewer than its teacher; `nil` for other students.
    let trimmed: TrimmedStart?
    /// (V, H) The output layer of a language model that teaches: its rows of the student's tokens.
    let teacherHead: Tensor?

    /// The first teacher that is a model; `nil` where there are only scores.
    var teacher: LoadedModel? { teachers.first?.classifier }
    /// The names of the classes.
    var labelNames: [String] { teacher?.labels.names ?? data.labels.names }
    /// The numbers of a row of the teachers' outputs together: several teachers' vectors stand one after another.
    var teacherWidth: Int? {
        guard problemType.definition.embedsTexts, teachers.count > 1 else {
            return teacher?.outputForm(request.teacherForm).width
        }
        return teachers.reduce(0) { $0 + $1.classifier.model.configuration.outputCount }
    }
    /// True if the teachers' vectors have the length 1; those of several always have.
    var teachersNormalize: Bool {
        teachers.count > 1 || teacher?.model.configuration.embedding?.normalizes == true
    }
    /// The metrics by which students are compared. What a token costs in two tokenizers cannot be compared, what a byte costs can.
    var comparedMetrics: [MetricName] {
        teachers.first?.spans == nil
            ? problemType.definition.comparedMetrics : [.bitsPerByte, .perplexity]
    }
    /// True if the student is a static one that starts from its teacher's vectors of tokens.
    var isStatic: Bool { start != nil }
    /// True if the teachers' logits are known, not only the probabilities that they give.
    var hasLogits: Bool { scores.allSatisfy(\.hasLogits) }

    /// The same models and data for a request that differs only in what is learned from them.
    func with(_ request: DistillRequest) -> DistillationSetup {
        var setup = self
        setup.request = request
        return setup
    }

    /// Reads everything, and collects what does not fit. A teacher that cannot be used is a finding, and the others are
    /// checked without it.
    ///
    /// - Throws: ``InterruptedError``; whatever keeps the run from beginning, all at once.
    init(
        _ request: DistillRequest, log: RunLog, findings: Diagnostics, processes: Processes? = nil
    ) throws {
        let classifiers = try Self.models(request, log, findings)
        let surveys = try Self.surveys(request, log, findings)
        let first = classifiers.lazy.compactMap(\.self).first
        guard
            first != nil || request.teachers.isEmpty && (!surveys.isEmpty || request.pairScoresColumn != nil)
        else {
            try Self.checkFiles(of: request, findings)
            try findings.throwErrors()
            throw DistillationError("there is no teacher; give one with --teacher")
        }
        for warning in classifiers.compactMap(\.self).flatMap(\.warnings) { findings.add(.warning, warning) }
        start = try StaticStart.make(request, teacher: first, log, processes)
        let request = try start?.request(request, teacher: first) ?? request
        self.request = request
        trimmed = try TrimmedStart.make(request, teacher: first, log)
        let basis = try Self.basis(first, surveys, request, trimmed, findings)
        problemType = basis.problemType
        try findings.attempt { try request.requireFitting(basis.problemType) }
        let (data, sources) = try processes.firstOfMachineFirst {
            let data = try log.phase("Reading and tokenizing data") {
                try findings.attempt { try Self.studentData(request, basis, log) }
            }
            return (
                data,
                try Self.sources(request, classifiers, student: (data, basis), log, findings)
            )
        }
        guard let data, !sources.isEmpty || request.teachers.isEmpty else {
            try findings.throwErrors()
            throw DistillationError("the run cannot begin")
        }
        teachers = sources
        scores = try Self.scores(request, surveys, data, log, findings)
        self.data = data
        let vocabulary = sources.first?.vocabulary
        teacherHead = try sources.first?.classifier.model.outputWeight.map {
            try vocabulary?.rows(of: $0) ?? $0
        }
        projection = TeacherProjection(vocabulary == nil ? data.train : sources[0].data.train)
        retrieval = try processes.firstOfMachineFirst {
            try findings.attempt {
                try RetrievalSetup(request, student: basis, teacher: sources.first?.classifier, log: log)
            } ?? nil
        }
        tokenizer = basis.tokenizer
        tokenizerDirectory = basis.directory
        prompt = basis.prompt
        tokensDiffer = try Self.tokensDiffer(request, data, sources)
        let cut = TextLength.positionsNote(request.data.maxLength, basis.configuration)
        for note in [cut, data.labelNote, data.unlabeledNote].compactMap(\.self) + data.wordNotes {
            findings.add(.note, note)
        }
    }

    /// The examples as the student reads them.
    private static func studentData(
        _ request: DistillRequest, _ basis: SetupBasis, _ log: RunLog
    ) throws -> RunData {
        let text = try LanguageModelText.of(
            basis.configuration, in: basis.directory, basis.tokenizer, request.data.columns,
            maxLength: basis.maxLength)
        var loader = request.cache.loader(
            request.data.columns.options, tokenizer: basis.tokenizer, directory: basis.directory,
            maxLength: basis.maxLength, languageModel: text, prompt: basis.prompt, log: log)
        loader.ranking = request.rankingColumns(
            pairsAreGroups: basis.problemType.embedsTexts && basis.configuration.embedding == nil)
        loader.translations = try request.data.columns.translations.map { TranslationSource(columns: $0) }
        return try RunData(request, labels: basis.labels, problemType: basis.problemType, loader: loader)
    }

    private static func basis(
        _ first: LoadedModel?, _ surveys: [ScoreSurvey], _ request: DistillRequest, _ trimmed: TrimmedStart?,
        _ findings: Diagnostics
    ) throws -> SetupBasis {
        if let first { return try SetupBasis(first, request, trimmed, findings) }
        guard request.pairScoresColumn != nil, let task = request.data.problemType else {
            return try SetupBasis(surveys, request)
        }
        return try SetupBasis(pairsOf: request, task)
    }

    /// The teachers that are models; `nil` in the place of one that cannot be used.
    private static func models(
        _ request: DistillRequest, _ log: RunLog, _ findings: Diagnostics
    ) throws -> [LoadedModel?] {
        guard !request.teachers.isEmpty else { return [] }
        return try log.phase("Loading the teacher") {
            try request.teachers.map { teacher in
                try findings.attempt {
                    try LoadedModel(teacher.directory, device: request.device, languageModels: true)
                }
            }
        }
    }

    private static func tokensDiffer(
        _ request: DistillRequest, _ data: RunData, _ sources: [LoadedTeacher]
    ) throws -> String? {
        if !request.teacherLogprobs.isEmpty { return "the teacher is known by its log-probabilities alone" }
        if !request.data.columns.translationColumns.isEmpty {
            return "a translation has other tokens than its text"
        }
        if request.teachers.isEmpty { return "the teacher is known by its scores alone" }
        if data.problemType.embedsTexts,
            !sources.contains(where: { $0.classifier.model.configuration.task.embedsTexts })
        {
            return "the teacher reads queries with documents, the student texts"
        }
        if request.teachers.count + request.scores.count > 1 {
            return "there are several teachers, each with layers of its own"
        }
        return try sources[0].vocabulary != nil || data.train.hasSameTokens(as: sources[0].data.train)
            ? nil : "the student reads tokens of its own tokenizer, which are not the teacher's"
    }

    /// Checks the data files as far as that is possible where no teacher can be read.
    private static func checkFiles(of request: DistillRequest, _ findings: Diagnostics) throws {
        // Queries with documents are in other columns, and so are translations and the texts of a language model.
        guard request.data.problemType?.ranksDocuments != true else { return }
        guard !request.teachers.contains(where: { readsOtherColumns($0.directory) }),
            request.data.columns.translationColumns.isEmpty
        else { return }
        var options = request.data.columns.options
        // The label set comes from the teacher.
        options.readsLabels = false
        for file in request.data.files + [request.test].compactMap(\.self) {
            _ = try findings.attempt {
                if TaggedOptions.isNamedForWords(file) {
                    _ = try TaggedStream(file, options: options.tagged).rows(100)
                } else {
                    _ = try TextStream(file, options: options).rows(100)
                }
            }
        }
    }

    /// Returns true for a teacher that cannot be used and whose texts would be in other columns than a classifier's, as far as its
    /// configuration tells.
    private static func readsOtherColumns(_ teacher: URL) -> Bool {
        if AutoModel.isGGUF(teacher) { return true }
        guard let task = try? ModelConfiguration(contentsOf: teacher).task.definition else { return false }
        return task.predictsTokens || task.embedsTexts || task.ranksDocuments
    }

    /// How the student's texts are made, where it is a language model: by its own tokenizer, stop tokens and chat template.
    func languageModelText() throws -> LanguageModelText? {
        try teacher.flatMap {
            try LanguageModelText.of(
                $0.model.configuration, in: tokenizerDirectory, tokenizer, request.data.columns,
                maxLength: data.maxLength)
        }
    }
}

extension RunData {
    /// The data of a distillation run, split by the run's seed.
    init(
        _ request: DistillRequest, labels: LabelMap, problemType: TaskIdentifier, loader: DatasetLoader
    ) throws {
        try self.init(
            request.data, labels: labels, problemType: problemType, test: request.test, loader: loader,
            seed: request.training.seed)
    }
}
