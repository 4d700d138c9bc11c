import DistillRuntime
import Tokenizers

/// The predictions for the lines of a text.
final class PredictionRun {
    private enum Use {
        case classifier(TextClassifier)
        case tagger(TokenTagger)
    }

    private let use: Use
    private let hasPairs: Bool
    private let file: String
    private var (cutCount, count) = (0, 0)
    private let maxLength: Int
    private let mostTokens: Int

    /// The settings of the model's files that are ignored.
    let warnings: [String]

    init(_ arguments: Arguments) throws {
        let model = try RuntimeModel(
            arguments.model,
            .init(maxLength: arguments.maxLength, usesBFloat16: arguments.usesBFloat16))
        (maxLength, mostTokens) = (model.maxLength, model.configuration.maxLength)
        var warnings = model.warnings
        if let wanted = arguments.maxLength, wanted > mostTokens {
            warnings.append(
                "the model has \(mostTokens) positions, so texts are cut there, not at --max-length \(wanted)"
            )
        }
        self.warnings = warnings
        (hasPairs, file) = (arguments.hasPairs, arguments.file == "-" ? "standard input" : arguments.file)
        if model.isTagger {
            guard !hasPairs else {
                throw UsageError("a model for token classification reads single texts; leave --pairs out")
            }
            use = .tagger(try TokenTagger(model, strategy: arguments.aggregation ?? .simple))
        } else {
            guard arguments.aggregation == nil else {
                throw UsageError(
                    "--aggregation is for models of token classification, which \(arguments.model) is not")
            }
            use = .classifier(try TextClassifier(model, threshold: arguments.threshold))
        }
    }

    /// A line of output for each line of input: the prediction, or what is wrong with it.
    func predict(_ lines: [LineReader.Line]) throws -> [String] {
        let inputs = lines.map { LineInput($0, hasPairs: hasPairs) }
        var predictions = try texts(inputs.compactMap(\.text))[...]
        return inputs.map { input in
            switch input {
            case .text: predictions.removeFirst()
            case .problem(let problem): PredictionLine.text(error: problem)
            }
        }
    }

    private func texts(_ texts: [TextPair]) throws -> [String] {
        switch use {
        case .classifier(let classifier):
            let result = try classifier.predictions(texts)
            cutCount += result.cutCount
            count += texts.count
            return result.predictions.map(PredictionLine.text)
        case .tagger(let tagger): return try tagger.predict(texts.map(\.text)).map(PredictionLine.text)
        }
    }

    /// The warning about texts that were cut; `nil` where none was.
    var cutWarning: String? {
        guard cutCount > 0 else { return nil }
        let room = mostTokens > maxLength
        return
            "\(file): \(cutCount) of \(count) texts \(cutCount == 1 ? "is" : "are") longer than \(maxLength) tokens and cut there; "
            + (room
                ? "a larger --max-length keeps more of them, up to \(mostTokens)"
                : "the model has positions for no more")
    }
}
