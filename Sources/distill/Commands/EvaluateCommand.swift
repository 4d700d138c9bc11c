import ArgumentParser
import Distillation
import Foundation

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluate a model on texts, beside its teacher where one is given.",
        discussion: """
            Prints accuracy, F1, Matthews correlation, calibration error, the confusion matrix, parameters, bytes on \
            disk and latency, and with --teacher also agreement, KL and the ratios. For multi-label \
            classification: micro and macro F1 and subset accuracy; for regression: Pearson's and Spearman's correlation and \
            the errors; for ranking: nDCG@10, MRR@10 and MAP by query, and the correlations; for language models: perplexity by token and by byte, and the divergence from the teacher.

            --choices asks a language model multiple-choice questions: JSON lines with query, choices and gold (the index of \
            the right one), scored by the probabilities of the choices as lm-eval does: acc, acc_norm (by characters) and \
            acc_bytes. Given several times, each file is a task, and with --teacher the mean over the tasks tells how much of \
            the teacher's accuracy is kept.

            --retrieval searches documents by the vectors of a model for embeddings: nDCG@10, MRR@10, MAP@100 and recall as \
            sentence-transformers has them. With --teacher also the teacher, and its documents for the student's queries.

            Examples:
              distill evaluate --model student --data test.csv
              distill evaluate --model student --data test.csv --teacher teacher --json > report.json
              distill evaluate --model student --teacher teacher.gguf --choices questions.jsonl
              distill evaluate --model student --teacher teacher --retrieval scifact
            """)

    @Option(
        help: ArgumentHelp(
            "The model directory, or the .gguf file of a language model.", valueName: "model"),
        completion: .directory)
    var model: String

    @Option(
        help: ArgumentHelp(
            "Labeled texts: .csv, .tsv or .jsonl, each also with .gz; for a language model its texts.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String?

    @Option(
        help: ArgumentHelp(
            """
            Multiple-choice questions for a language model: .jsonl, also with .gz. Given several times, each file is a task.
            """, valueName: "file"),
        completion: .file(extensions: ["jsonl", "json", "gz"]))
    var choices: [String] = []

    @Option(
        help: ArgumentHelp(
            "The text between a question and each of its choices. (default: a space)", valueName: "text"))
    var targetDelimiter: String?

    @Option(
        help: ArgumentHelp(
            """
            Queries and documents for a model for embeddings: a directory in BEIR's form (corpus.jsonl, queries.jsonl, qrels/test.tsv), a \
            file of its qrels, or JSON lines with query and positives.
            """, valueName: "dir|file"),
        completion: .directory)
    var retrieval: String?

    @Option(
        help: ArgumentHelp(
            "With --retrieval: the model whose vectors documents have, while --model embeds queries.",
            valueName: "model"),
        completion: .directory)
    var documentsBy: String?

    @OptionGroup(title: "Data") var prompts: RetrievalPromptOptions
    @OptionGroup(title: "Data") var translations: TranslationOptions

    @Option(
        help: ArgumentHelp("A model to compare with: a directory or a .gguf file.", valueName: "model"),
        completion: .directory)
    var teacher: String?

    @Option(
        name: .customLong("teacher-scores"),
        help: ArgumentHelp(
            "In place of --teacher: the scores that a teacher gave for these texts, as for `distill run`.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var teacherScores: [String] = []

    @Option(
        help: ArgumentHelp(
            "The key or column of the scores; without --teacher-scores a column of the data.",
            valueName: "name"))
    var scoresColumn: String?

    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "Texts in one forward pass.")
    var batchSize = 64

    @Option(help: "Single texts timed for the latency figures; 0 for none.")
    var latencySamples = 200

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var processes: ProcessOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func validate() throws {
        guard data != nil || !choices.isEmpty || retrieval != nil else {
            throw ValidationError(
                "Nothing to evaluate on: give texts with --data, questions with --choices, or queries and documents with --retrieval."
            )
        }
        let further = [
            documentsBy, prompts.queryPrompt, prompts.queryPromptName, prompts.documentPrompt,
            prompts.documentPromptName,
        ]
        guard retrieval != nil || further.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--documents-by and the prompts of queries and documents belong to --retrieval; give it, or leave them out."
            )
        }
        if data == nil, let name = dataSettings.first {
            throw ValidationError("--\(name) is of the texts of --data; give these too, or leave it out.")
        }
        guard targetDelimiter == nil || !choices.isEmpty else {
            throw ValidationError(
                "--target-delimiter stands between --choices and their questions; give both.")
        }
    }

    /// The options given that are of --data's texts alone.
    private var dataSettings: [String] {
        var settings = Settings()
        settings.override("teacher-scores", teacherScores)
        settings.override("scores-column", scoresColumn)
        columns.register(in: &settings)
        settings.override("source-column", translations.sourceColumn)
        settings.override("translation-column", translations.translationColumns)
        // All evaluations cut texts.
        return settings.overrides.map { $0.name.replacing("_", with: "-") }.filter { $0 != "max-length" }
    }

    /// The evaluation on texts.
    func request() throws -> EvaluateRequest {
        guard let data else { throw ValidationError("There are no texts to evaluate on: give --data.") }
        let cache = try self.cache.options()
        var request = EvaluateRequest(
            model: try ModelReference.directory(model, cache: cache),
            data: try DataReference.url(data, split: .test))
        request.teacher = try teacher.map { try ModelReference.directory($0, cache: cache) }
        request.teacherScores = try teacherScores.map { try DataReference.url($0, split: .test) }
        request.scoresColumn = scoresColumn
        request.columns = try columns.columns()
        (request.columns.source, request.columns.translationColumns) = (
            translations.sourceColumn, translations.translationColumns
        )
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.latencySamples = latencySamples
        request.cache = cache
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? request.precision
        return request
    }

    func retrievalRequest(_ retrieval: String) throws -> RetrievalRequest {
        let cache = try self.cache.options()
        var request = RetrievalRequest(
            model: try ModelReference.directory(model, cache: cache), data: URL(filePath: retrieval))
        request.teacher = try teacher.map { try ModelReference.directory($0, cache: cache) }
        request.documentsBy = try documentsBy.map { try ModelReference.directory($0, cache: cache) }
        request.prompts = try prompts.prompts()
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.cache = cache
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? request.precision
        return request
    }

    func choiceRequest() throws -> ChoiceRequest {
        let cache = try self.cache.options()
        var request = ChoiceRequest(
            model: try ModelReference.directory(model, cache: cache),
            choices: try choices.map { try DataReference.url($0, split: .test) })
        request.teacher = try teacher.map { try ModelReference.directory($0, cache: cache) }
        request.targetDelimiter = targetDelimiter ?? request.targetDelimiter
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? request.precision
        return request
    }

    /// What is printed without --data.
    private struct Parts: Encodable {
        let choices: ChoiceEvaluation?
        let retrieval: RetrievalReport?
    }

    func run() throws {
        let search = try retrieval.map { retrieval in
            try UsageError.checking { try RetrievalRun(try retrievalRequest(retrieval)) }
        }
        let run = data == nil ? nil : try UsageError.checking { try EvaluationRun(try request()) }
        let questions =
            choices.isEmpty ? nil : try UsageError.checking { try ChoiceRun(try choiceRequest()) }
        try processes.perform(threads: compute.threads) { processes in
            Interrupt.install(.nothing)
            let isFirst = processes?.isFirst ?? true
            let renderer = RunRenderer(quiet: display.quiet || !Terminal.isInteractive)
            // Questions first: their file is read, and refused, before the texts' long work.
            let answers = try questions?.run(
                onEvent: { if isFirst { renderer.handle($0) } }, shouldStop: { Interrupt.isRequested },
                processes: processes)
            var report = try run?.run(
                onEvent: { if isFirst { renderer.handle($0) } }, shouldStop: { Interrupt.isRequested },
                processes: processes)
            report?.choices = answers
            let found = try search?.run(
                onEvent: { if isFirst { renderer.handle($0) } }, shouldStop: { Interrupt.isRequested },
                processes: processes)
            report?.retrieval = found
            guard isFirst else { return }
            if let report {
                try display.print(report) { ReportText.evaluation(report) }
            } else {
                try display.print(Parts(choices: answers, retrieval: found)) {
                    [answers.map(ReportText.choices), found.map(ReportText.retrieval)].compactMap(\.self)
                        .joined(separator: "\n\n")
                }
            }
        }
    }
}
