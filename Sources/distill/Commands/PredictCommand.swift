import Architectures
import ArgumentParser
import Datasets
import DistillRuntime
import Distillation
import Foundation
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
            of a regression, score (the number).

            A model for token classification finds entities: entities is a list, each with entity_group (with \
            --aggregation none entity and index), score, word, start and end, as transformers' pipeline gives them. Longer \
            texts are read in windows that overlap.

            A directory of sentence-transformers gives embedding, the text's vector; --prompt names the prompt that stands \
            before each text, where the model has several.

            Examples:
              echo "A film to remember." | distill predict --model student
              distill predict --model student reviews.txt > predictions.jsonl
              distill predict --model student test.csv --text-column review > predictions.jsonl
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

    @Option(help: "The probability above which a label is chosen, by models that may choose several.")
    var threshold = 0.5

    @Option(
        help: """
            How tokens become entities: \(EntityAggregation.Strategy.allCases.map(\.rawValue).joined(separator: ", ")). \
            (default: simple)
            """)
    var aggregation: EntityAggregation.Strategy?

    @Option(help: "Of a model of embeddings the prompt before each text. (default: the model's)")
    var prompt: String?

    @OptionGroup(title: "Running") var compute: ComputeOptions

    func run() throws {
        if let maxLength, maxLength < 3 {
            throw UsageError("max_length must be at least 3, got \(maxLength)")
        }
        guard threshold > 0, threshold < 1 else {
            throw UsageError("threshold must be between 0 and 1, got \(threshold)")
        }
        let device = try compute.readyDevice()
        let source = try PredictInput(
            input, hasPairs: pairs,
            options: DatasetOptions(
                textColumn: textColumn, pairColumn: textPairColumn, delimited: try delimited.format()))
        let directory = try ModelReference.directory(model)
        if SentenceTransformer.isDirectory(directory) { return try embed(source, directory, device) }
        guard prompt == nil else {
            throw UsageError("--prompt is for models of embeddings, which \(model) is not")
        }
        if try TokenPredictor.isFor(directory) {
            return try tag(source, directory, device)
        }
        guard aggregation == nil else {
            throw UsageError("--aggregation is for models of token classification, which \(model) is not")
        }
        let predictor = try Predictor(
            model: directory, maxLength: maxLength, device: device,
            precision: compute.precision ?? .float32, threshold: threshold)
        for warning in predictor.warnings { Terminal.error("WARNING: \(warning)") }
        defer {
            predictor.cutWarning(input == "-" ? "standard input" : input).map {
                Terminal.error("WARNING: \($0)")
            }
        }
        var count = 0
        while let inputs = try source.next() {
            do {
                try Terminal.output(try predictions(for: inputs, predictor).joined(separator: "\n"))
            } catch let error as TokenizerError {
                // Its index counts the texts that were given to the model.
                let sound = inputs.indices.filter { if case .success = inputs[$0] { true } else { false } }
                guard let index = error.textIndex, sound.indices.contains(index) else { throw error }
                throw DistillationError("\(source.position(count + sound[index] + 1)): \(error)")
            }
            count += inputs.count
        }
    }

    /// Finds the entities of each text.
    private func tag(_ source: PredictInput, _ directory: URL, _ device: Device) throws {
        guard !pairs else {
            throw UsageError("a model for token classification reads single texts; leave --pairs out")
        }
        let predictor = try TokenPredictor(
            model: directory, strategy: aggregation ?? .simple, maxLength: maxLength, device: device,
            precision: compute.precision ?? .float32)
        for warning in predictor.warnings { Terminal.error("WARNING: \(warning)") }
        var count = 0
        while let inputs = try source.next() {
            let texts = inputs.compactMap { if case .success(let input) = $0 { input.text } else { nil } }
            var found: ArraySlice<[EntityAggregation.Entity]>
            do { found = try predictor.predict(texts)[...] } catch let error as TokenizerError {
                let sound = inputs.indices.filter { if case .success = inputs[$0] { true } else { false } }
                let wrong = texts.firstIndex { (try? predictor.predict([$0])) == nil } ?? 0
                throw DistillationError("\(source.position(count + sound[wrong] + 1)): \(error)")
            }
            let lines = inputs.map { input in
                switch input {
                case .success:
                    PredictionLine.text(found.removeFirst())
                case .failure(let problem): PredictionLine.text(error: problem.description)
                }
            }
            try Terminal.output(lines.joined(separator: "\n"))
            count += inputs.count
        }
    }

    /// Returns the predictions in the order of the texts.
    private func predictions(for inputs: [PredictInput.Text], _ predictor: Predictor) throws -> [String] {
        let predictions = try predictor.predict(
            inputs.compactMap { if case .success(let input) = $0 { input } else { nil } })
        var rest = predictions[...]
        return inputs.map { input in
            switch input {
            case .success: PredictionLine.text(rest.removeFirst())
            case .failure(let problem): PredictionLine.text(error: problem.description)
            }
        }
    }
}

extension EntityAggregation.Strategy: ExpressibleByArgument {}
