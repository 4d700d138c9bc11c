import Conversations
import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// The settings of multiple-choice questions for a language model.
public struct ChoiceRequest: Sendable {
    public var model: URL
    /// A language model to compare with; its tokenizer may be another.
    public var teacher: URL?
    /// Files of questions, each a task: JSON lines.
    public var choices: [URL]
    /// The text between a query and each choice.
    public var targetDelimiter = " "
    /// The most tokens of a query with a choice; `nil` for as many as the model has positions.
    public var maxLength: Int?
    /// Choices in one forward pass.
    public var batchSize = 64
    public var device = Device.cpu
    /// The precision of the models.
    public var precision = Precision.float32

    /// - Parameters:
    ///   - model: The model's directory.
    ///   - choices: Files of questions, each a task: JSON lines.
    public init(model: URL, choices: [URL]) {
        self.model = model
        self.choices = choices
    }
}

/// Lets a language model answer multiple-choice questions by the probabilities of the choices, as lm-eval does (Gao et al., "A
/// framework for few-shot language model evaluation", 2021).
public struct ChoiceRun {
    public let request: ChoiceRequest

    /// - Parameter request: The settings.
    /// - Throws: ``DistillationError`` for settings out of range.
    public init(_ request: ChoiceRequest) throws {
        try SettingLimits.require(request.batchSize, "batch_size")
        if let length = request.maxLength, length < 2 {
            throw DistillationError("max_length must be 2 or more, got \(length)")
        }
        guard !request.choices.isEmpty else {
            throw DistillationError("there are no questions; name a file of them, or several")
        }
        let paths = request.choices.map(\.standardizedFileURL.path)
        if let twice = paths.first(where: { path in paths.count { $0 == path } > 1 }) {
            throw DistillationError("\(twice): is given twice among the files of questions; name each once")
        }
        self.request = request
    }

    /// - Parameters:
    ///   - onEvent: Receives the run's events.
    ///   - shouldStop: Called often; true ends the run.
    ///   - processes: The processes that compute a part each; `nil` for this one alone.
    /// - Throws: ``InterruptedError`` where `shouldStop` became true; `DatasetError` that names file and line.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        processes: Processes? = nil
    ) throws -> ChoiceEvaluation {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        // All are read, and refused, before the long work.
        let files = try request.choices.map { try ChoiceFile($0) }
        for warning in files.compactMap(spaceWarning) { log.warnOnce(warning) }
        var answers: [[(answers: [ChoiceAnswer], cut: Int)]] = []
        for directory in [request.model] + [request.teacher].compactMap(\.self) {
            let model = try LoadedModel(directory, device: request.device, languageModels: true)
            for warning in model.warnings { log.warnOnce(warning) }
            answers.append(
                try files.map { file in
                    try log.phase("Answering questions") {
                        try self.answers(of: model, file, log, processes, shouldStop)
                    }
                })
        }
        let own = answers[0]
        let teacher = answers.count > 1 ? answers[1] : nil
        let reports = try files.indices.map { task in
            try report(files[task], own[task].answers, teacher?[task].answers, cut: own[task].cut)
        }
        func right(_ answers: [(answers: [ChoiceAnswer], cut: Int)]) -> [ChoiceWays<[Bool]>] {
            zip(answers, files).map { ChoiceScores.right($0.answers, $1.questions) }
        }
        return ChoiceEvaluation(
            tasks: reports,
            summary: try ChoiceSummary(reports, right: right(own), teacher: teacher.map(right)))
    }

    private func report(
        _ file: ChoiceFile, _ own: [ChoiceAnswer], _ teacher: [ChoiceAnswer]?, cut: Int
    ) throws -> ChoiceReport {
        let questions = file.questions
        let right = ChoiceScores.right(own, questions)
        func scores(_ isRight: [Bool]) -> [Double] { isRight.map { $0 ? 1 : 0 } }
        return ChoiceReport(
            data: file.record, targetDelimiter: request.targetDelimiter,
            chance: questions.reduce(0) { $0 + Double(Set($1.gold).count) / Double($1.choices.count) }
                / Double(questions.count),
            cutChoices: cut, model: ChoiceScores(own, questions),
            teacher: teacher.map { ChoiceScores($0, questions) },
            difference: try teacher.map { teacher in
                try right.paired(with: ChoiceScores.right(teacher, questions)).map {
                    try PairedBootstrap(scores: scores($0), others: scores($1), resamples: 2000)
                }
            })
    }

    /// A warning about spaces that stand twice; `nil` where they do not.
    private func spaceWarning(_ file: ChoiceFile) -> String? {
        guard request.targetDelimiter.last?.isWhitespace == true else { return nil }
        let count = file.questions.count { $0.choices.contains { $0.first?.isWhitespace == true } }
        guard count > 0 else { return nil }
        return
            "\(file.record.path): the choices of \(count) questions begin with white space, and the delimiter is white space too; "
            + "pass --target-delimiter '' to have it once"
    }

    /// A model's answers to all questions, and the number of choices whose beginning was left out.
    func answers(
        of model: LoadedModel, _ file: ChoiceFile, _ log: RunLog, _ processes: Processes?,
        _ shouldStop: () -> Bool
    ) throws -> (answers: [ChoiceAnswer], cut: Int) {
        let configuration = model.model.configuration
        guard configuration.task.predictsTokens else {
            throw DistillationError(
                "\(model.directory.path): is no language model, so that it gives choices no probability; evaluate it with --data"
            )
        }
        let encoder = try ChoiceEncoder(
            model.tokenizer, delimiter: request.targetDelimiter,
            maxLength: min(request.maxLength ?? .max, configuration.maxLength))
        var (texts, cut): ([TokenizedText], Int) = ([], 0)
        for question in file.questions {
            if shouldStop() { throw InterruptedError() }
            for choice in question.choices {
                do {
                    let encoded = try encoder.encode(choice, after: question.query)
                    texts.append(encoded.text)
                    cut += encoded.isCut ? 1 : 0
                } catch { throw file.error(question, "\(error)") }
            }
        }
        let dataset = try EncodedDataset(texts, tokenizer: model.tokenizer)
        let rows = try Inference.allLogits(
            model.model, dataset, batchSize: request.batchSize, precision: request.precision,
            of: model.directory.path, processes: processes,
            onProgress: { log.progress($0, of: dataset.count) }, shouldStop: shouldStop)
        var example = 0
        let answers = file.questions.map { question in
            ChoiceAnswer(
                question.choices.map { _ in
                    defer { example += 1 }
                    return -dataset.rows(of: example).reduce(0.0) {
                        $0 + TokenStatisticsMetrics.value(.studentSurprisal, rows[$1])
                    }
                }, question)
        }
        return (answers, cut)
    }
}

extension EncodedDataset {
    /// Texts that are tokens already, whose targets are the rows, in memory.
    ///
    /// - Parameters:
    ///   - texts: The texts.
    ///   - tokenizer: The tokenizer that made them.
    init(_ texts: [TokenizedText], tokenizer: Tokenizer) throws {
        let longest = texts.reduce(0) { max($0, $1.count) }
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: longest)
        builder.begin(.causalLanguageModel, [])
        let records = try builder.append(TokenizedChunk(texts: texts))
        self = builder.dataset(.memory(records))
    }
}
