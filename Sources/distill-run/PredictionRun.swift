import Architectures
import DistillRuntime

/// The predictions for the lines of a text.
final class PredictionRun {
    private let predictor: LinePredictor
    private let hasPairs: Bool
    private let file: String
    private var (cutCount, count) = (0, 0)
    private let maxLength: Int?
    private let mostTokens: Int?

    /// The settings of the model's files that are ignored.
    let warnings: [String]

    init(_ arguments: Arguments) throws {
        let options = RuntimeModel.Options(
            maxLength: arguments.maxLength, usesBFloat16: arguments.usesBFloat16)
        (hasPairs, file) = (arguments.hasPairs, arguments.file == "-" ? "standard input" : arguments.file)
        if SentenceTransformer.isDirectory(arguments.model) {
            let embedder = try TextEmbedder(arguments.model, options)
            guard !hasPairs, arguments.aggregation == nil else {
                throw UsageError(
                    "a model of embeddings reads single texts, and finds no entities; leave "
                        + (hasPairs ? "--pairs" : "--aggregation") + " out")
            }
            (maxLength, mostTokens) = (embedder.maxLength, embedder.mostTokens)
            warnings = embedder.warnings + Self.warnings(of: arguments.maxLength, positions: mostTokens)
            predictor = .embedder(embedder, prompt: arguments.prompt)
            return
        }
        guard arguments.prompt == nil else {
            throw UsageError("--prompt is for models of embeddings, which \(arguments.model) is not")
        }
        let model = try RuntimeModel(arguments.model, options)
        (maxLength, mostTokens) = (model.maxLength, model.configuration.maxLength)
        warnings =
            model.warnings + Self.warnings(of: arguments.maxLength, positions: model.configuration.maxLength)
        if model.isTagger, hasPairs {
            throw UsageError("a model for token classification reads single texts; leave --pairs out")
        }
        guard model.isTagger || arguments.aggregation == nil else {
            throw UsageError(
                "--aggregation is for models of token classification, which \(arguments.model) is not")
        }
        predictor = try LinePredictor(
            model, threshold: arguments.threshold, strategy: arguments.aggregation ?? .simple)
    }

    /// The warning about a `--max-length` that a model has no positions for.
    private static func warnings(of wanted: Int?, positions: Int?) -> [String] {
        guard let wanted, let positions, wanted > positions else { return [] }
        return ["the model has \(positions) positions, so texts are cut there, not at --max-length \(wanted)"]
    }

    /// A line of output for each line of input: the prediction, or what is wrong with it.
    func predict(_ lines: [LineReader.Line]) throws -> [String] {
        let inputs = lines.map { LineInput($0, hasPairs: hasPairs) }
        let result = try predictor.lines(for: inputs)
        cutCount += result.cutCount
        count += inputs.count { $0.text != nil }
        return result.lines
    }

    /// The warning about texts that were cut; `nil` where none was.
    var cutWarning: String? {
        guard cutCount > 0, let maxLength else { return nil }
        let mostTokens = mostTokens ?? maxLength
        let room = mostTokens > maxLength
        return
            "\(file): \(cutCount) of \(count) texts \(cutCount == 1 ? "is" : "are") longer than \(maxLength) tokens and cut there; "
            + (room
                ? "a larger --max-length keeps more of them, up to \(mostTokens)"
                : "the model has positions for no more")
    }
}
