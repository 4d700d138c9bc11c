import Architectures
import ArgumentParser
import Datasets
import DistillRuntime
import Distillation
import Foundation
import RegularExpressions
import Tokenizers
import Torch

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classify texts, find entities in them, or give them vectors: a JSON line for each.",
        discussion: """
            Each line of a plain text, or of standard input, is one text; with --pairs it is two, separated by a tab. \
            Of a file that is named .csv, .tsv, .jsonl, .json (each also with .gz) or .parquet the column of the text is \
            read, row by row, as by all other commands; labels in it are not. The line of an empty text has an error \
            in place of a label, so that inputs and predictions stay side by side.

            The keys of a prediction are label (the most likely one), score (its probability) and scores (every label's); \
            of a model that may choose several labels, labels (those whose probability is above --threshold) and scores; \
            of a regression, score (the number); of a ranker, score (of the query, the first text, with the document).

            A model for token classification finds entities: entities is a list, each with entity_group (with \
            --aggregation none entity and index), score, word, start and end, as transformers' pipeline gives them. Longer \
            texts are read in windows that overlap.

            A directory of sentence-transformers gives embedding, the text's vector; --prompt names the prompt that stands \
            before each text, where the model has several.

            Examples:
              echo "A film to remember." | distill predict --model student
              distill predict --model student reviews.txt > predictions.jsonl
              distill predict --model student test.csv --text-column review > predictions.jsonl
              distill predict --model all-MiniLM-L6-v2 reviews.txt --output vectors.npy
            """)

    @Option(help: ArgumentHelp("The model directory.", valueName: "dir"), completion: .directory)
    var model: String

    @Argument(
        help: ArgumentHelp("A text file, a data file, or - for standard input.", valueName: "file"),
        completion: .file())
    var input = "-"

    @Flag(help: "Each line of a plain text holds two texts, separated by a tab.")
    var pairs = false

    @Option(help: "Of a data file the column of the text. (default: text, sentence, … whichever is there)")
    var textColumn: String?

    @Option(help: "Of a data file the column of the second text, for tasks on pairs.")
    var textPairColumn: String?

    @OptionGroup var delimited: DelimitedOptions

    @Option(
        help:
            "Longer inputs are cut to this many tokens. (default: as in the model's training, else the tokenizer's)"
    )
    var maxLength: Int?

    @Option(
        help:
            "The probability above which a label is chosen, by models that may choose several. (default: 0.5)"
    )
    var threshold: Double?

    @Option(
        help: """
            How tokens become entities: \(EntityAggregation.Strategy.allCases.map(\.rawValue).joined(separator: ", ")). \
            (default: simple)
            """)
    var aggregation: EntityAggregation.Strategy?

    @Option(help: "Of a model of embeddings the prompt before each text. (default: the model's)")
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            """
            A file in place of standard output, there whole or not at all: lines of JSON (.jsonl), or of a model of embeddings the \
            vectors alone (.npy, .safetensors).
            """, valueName: "file"), completion: .file())
    var output: String?

    @OptionGroup(title: "Running") var compute: ComputeOptions

    func run() throws {
        if let maxLength, maxLength < 3 {
            throw UsageError("max_length must be at least 3, got \(maxLength)")
        }
        if let threshold, !(threshold > 0 && threshold < 1) {
            throw UsageError("threshold must be between 0 and 1, got \(threshold)")
        }
        let device = try compute.readyDevice()
        let source = try PredictInput(
            input, hasPairs: pairs,
            options: DatasetOptions(
                textColumn: textColumn, pairColumn: textPairColumn, delimited: try delimited.format()))
        let file = try output.map { path in
            do { return try PredictionFile(path) } catch { throw UsageError("\(error)") }
        }
        let directory = try ModelReference.directory(model)
        let predictor = try predictor(directory, device)
        if let refusal = file?.refusal(vectorWidth: predictor.vectorWidth, model: model) {
            throw UsageError(refusal)
        }
        for warning in predictor.warnings { Terminal.error("WARNING: \(warning)") }
        let run = LineRun(predictor) { source.position($0) }
        defer {
            predictor.cutWarning(run, input == "-" ? "standard input" : input).map {
                Terminal.error("WARNING: \($0)")
            }
        }
        func next() throws -> [LineInput]? {
            try source.next()?.map { input in
                switch input {
                case .success(let text) where text.pair == nil && predictor.needsPairs:
                    throw UsageError(
                        "\(model): scores documents for queries, and '\(text.text.prefix(40))' is a text alone; give both, with --pairs a tab "
                            + "between them, or a file with the columns query and document (--text-column, --text-pair-column)"
                    )
                case .success(let text): .text(text)
                case .failure(let problem): .problem(problem.description)
                }
            }
        }
        if let file { return try run.write(file, next: next) }
        while let inputs = try next() {
            try Terminal.output(try run.lines(for: inputs).joined(separator: "\n"))
        }
    }

    /// Opens the model, after what its kind has no use for is refused.
    private func predictor(_ directory: URL, _ device: Device) throws -> any CommandPredictor {
        let precision = compute.precision ?? .float32
        if SentenceTransformer.isDirectory(directory) {
            guard device.kind == .cpu else {
                throw UsageError("embeddings are computed on the CPU alone; leave --device out")
            }
            let usesBFloat16 = precision.resolved(on: device).dtype == .bfloat16
            let opened = try LinePredictor(
                directory: directory.path(percentEncoded: false),
                .init(.init(maxLength: maxLength, usesBFloat16: usesBFloat16), prompt: prompt),
                expressions: ICURegularExpressions())
            if pairs, let refusal = opened.refusal(of: .pairs, called: "--pairs") {
                throw UsageError(refusal)
            }
            guard aggregation == nil else {
                throw UsageError("--aggregation is for models of token classification, which \(model) is not")
            }
            if threshold != nil, let refusal = opened.refusal(of: .threshold, called: "--threshold") {
                throw UsageError(refusal)
            }
            return opened
        }
        guard prompt == nil else {
            throw UsageError("--prompt is for models of embeddings, which \(model) is not")
        }
        if try TokenPredictor.isFor(directory) {
            guard !pairs else {
                throw UsageError("a model for token classification reads single texts; leave --pairs out")
            }
            guard threshold == nil else { throw severalLabels }
            return try TokenPredictor(
                model: directory, strategy: aggregation ?? .simple, maxLength: maxLength, device: device,
                precision: precision)
        }
        guard aggregation == nil else {
            throw UsageError("--aggregation is for models of token classification, which \(model) is not")
        }
        let predictor = try Predictor(
            model: directory, maxLength: maxLength, device: device, precision: precision,
            threshold: threshold ?? 0.5)
        guard threshold == nil || predictor.mayChooseSeveral else { throw severalLabels }
        return predictor
    }

    private var severalLabels: UsageError {
        UsageError(
            "--threshold is for models that may choose several labels, of which \(model) is none; leave it out"
        )
    }
}

extension EntityAggregation.Strategy: ExpressibleByArgument {}
