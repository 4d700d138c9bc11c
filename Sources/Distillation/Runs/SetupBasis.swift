import Datasets
import Foundation
import Tokenizers
import Transformers

/// What a run's data are read by: the task, the labels and the tokenizer, of the first teacher that is a model, or of scores and the
/// student's checkpoint.
struct SetupBasis {
    let problemType: TaskIdentifier
    let labels: LabelMap
    /// The configuration of the first teacher, or without one of the student.
    let configuration: ModelConfiguration
    let tokenizer: Tokenizer
    /// Where the tokenizer's files are.
    let directory: URL
    /// The number of tokens of a text that are read.
    let maxLength: Int
    /// The text that stands before each text.
    let prompt: String

    /// - Parameters:
    ///   - first: The first teacher.
    ///   - trimmed: The tokens of a student that has fewer than its teacher; `nil` for other students.
    /// - Throws: ``InterruptedError``.
    init(
        _ first: LoadedModel, _ request: DistillRequest, _ trimmed: TrimmedStart?, _ findings: Diagnostics
    ) throws {
        let own = try findings.attempt { try Self.studentTokenizer(request) } ?? nil
        problemType = first.model.configuration.task.taught(as: request.data.problemType)
        configuration = first.model.configuration
        if problemType.embedsTexts, configuration.embedding == nil {
            guard let own else {
                throw DistillationError(
                    "the student is missing: \(first.directory.path) scores pairs of texts, and has no vectors; name an encoder, or a "
                        + "sentence-transformers directory, with --student")
            }
            labels = try LabelMap(names: [])
            (tokenizer, directory, prompt) = (own.tokenizer, own.directory, try own.directory.ownPrompt ?? "")
            maxLength = TextLength.tokens(
                of: own.configuration, wanted: request.data.maxLength, in: directory, tokenizer: tokenizer)
            return
        }
        labels = first.labels
        tokenizer = own?.tokenizer ?? trimmed?.tokenizer ?? first.tokenizer
        directory = own?.directory ?? trimmed?.directory ?? first.tokenizerDirectory
        // The student reads as much as its teacher, as far as it has positions.
        maxLength = min(first.maxLength(request.data.maxLength), own?.configuration.maxLength ?? .max)
        // A table is trained without prompts, unless it has one of its own.
        let usual = own?.configuration.isTable == true ? "" : first.prompt
        prompt = try own?.directory.ownPrompt ?? usual
    }

    /// The basis of a run whose teacher are scores of queries with documents, beside these in the data files.
    ///
    /// - Throws: ``DistillationError`` where there is no student.
    init(pairsOf request: DistillRequest, _ task: TaskIdentifier) throws {
        guard let own = try Self.studentTokenizer(request), !own.configuration.isDecoder else {
            throw DistillationError(
                "the student is missing: scores have no model whose sizes or layers it could take; name a pretrained encoder with "
                    + "--student")
        }
        (tokenizer, directory, configuration) = (own.tokenizer, own.directory, own.configuration)
        problemType = task
        labels = try LabelMap(names: task.definition.fixedClassNames ?? [])
        prompt = task.embedsTexts ? try own.directory.ownPrompt ?? "" : ""
        maxLength = TextLength.tokens(
            of: configuration, wanted: request.data.maxLength, in: directory, tokenizer: tokenizer)
    }

    /// The basis of a run whose teachers are scores alone.
    ///
    /// - Throws: ``DistillationError`` where there is no student, or the labels cannot be known.
    init(_ surveys: [ScoreSurvey], _ request: DistillRequest) throws {
        guard let own = try Self.studentTokenizer(request) else {
            throw DistillationError(
                "the student is missing: scores have no model whose sizes or layers it could take; name a pretrained encoder with "
                    + "--student")
        }
        guard !own.configuration.isDecoder else {
            throw DistillationError(
                "\(own.directory.path): is a language model, which learns from --teacher-logprobs; name an encoder with --student"
            )
        }
        (tokenizer, directory, configuration) = (own.tokenizer, own.directory, own.configuration)
        prompt = ""
        let file = request.data.train
        let type =
            try request.data.problemType
            ?? (TextStream.hasLabelSets(file, options: request.data.columns.options)
                ? .multiLabel : .singleLabel)
        problemType = type
        guard type.definition.takesScores else {
            throw DistillationError(
                "\(surveys[0].request.name): scores teach text classifiers, problem_type is \(type.rawValue); give a teacher with "
                    + "--teacher")
        }
        let names = own.configuration.labelNames
        let isNamed = names != names.indices.map { "LABEL_\($0)" }
        labels = try ScoreLabels.labels(
            of: surveys, student: isNamed ? names : nil, data: Self.dataLabels(request, type))
        maxLength = TextLength.tokens(
            of: configuration, wanted: request.data.maxLength, in: directory, tokenizer: tokenizer)
    }

    /// The labels that the data name: those of the training data, or where these have none of the validation data.
    private static func dataLabels(_ request: DistillRequest, _ type: TaskIdentifier) throws -> LabelMap? {
        for file in [request.data.train, request.data.validation].compactMap(\.self) {
            var options = request.data.columns.options
            (options.labelForm, options.allowsUnlabeled) = (type.definition.labelForm, true)
            if type.definition.labelForm == .set {
                options.labelSetCoding = try TextStream.labelSetCoding(file, options: options, map: nil)
            }
            if let map = try TextStream(file, options: options).inferLabels(), map.count > 0 { return map }
        }
        return nil
    }

    /// A student's own tokenizer, where it brings one with other tokens.
    private static func studentTokenizer(
        _ request: DistillRequest
    ) throws -> (tokenizer: Tokenizer, directory: URL, configuration: ModelConfiguration)? {
        guard let directory = request.student.directory else { return nil }
        let configuration = try ModelConfiguration(contentsOf: directory)
        let place = try TokenizerFiles.place(of: directory)
        let tokenizer = try Tokenizer.load(for: configuration, in: place)
        return (tokenizer, place, configuration)
    }
}

extension URL {
    /// The default prompt of a sentence-transformers directory; `nil` for another directory.
    fileprivate var ownPrompt: String? {
        get throws {
            guard SentenceTransformer.isDirectory(self) else { return nil }
            return try SentenceTransformer(contentsOf: self).defaultPromptText
        }
    }
}
