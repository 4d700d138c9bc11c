import Architectures
import Tokenizers

/// A classifier, a tagger or a model of embeddings, whichever a directory holds, that answers in lines of JSON.
package enum LinePredictor: Sendable, LineAnswering {
    case classifier(TextClassifier)
    case tagger(TokenTagger)
    case embedder(TextEmbedder, prompt: String?)

    /// How a directory is opened.
    package struct Options: Sendable {
        package var model = RuntimeModel.Options()
        /// The probability above which a label is predicted, of a classifier that may choose several.
        package var threshold = 0.5
        /// How a tagger's tokens become entities.
        package var strategy = EntityAggregation.Strategy.simple
        /// The name of the prompt before each text, of a model of embeddings; `nil` for the model's default.
        package var prompt: String?

        package init(
            _ model: RuntimeModel.Options = .init(), threshold: Double = 0.5,
            strategy: EntityAggregation.Strategy? = nil, prompt: String? = nil
        ) {
            (self.model, self.threshold, self.prompt) = (model, threshold, prompt)
            self.strategy = strategy ?? .simple
        }
    }

    /// Opens a directory: one of sentence-transformers, or a model in Hugging Face format.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - options: How it is opened; what its kind of model has no use for is passed over, see ``refusal(of:called:)``.
    ///   - expressions: Searches regular expressions for which the tokenizers have no scanner; without it a tokenizer that needs one
    ///     is an error.
    /// - Throws: As ``TextEmbedder/init(_:_:)`` and ``RuntimeModel/init(_:_:)``; ``RuntimeError`` for a threshold that is not between
    ///   0 and 1, `ArchitectureError` for a prompt that there is not.
    package init(
        directory path: String, _ options: Options, expressions: (any RegularExpressionEngine)? = nil
    ) throws {
        guard SentenceTransformer.isDirectory(path) else {
            let model = try RuntimeModel(path, options.model, expressions: expressions)
            self =
                model.isTagger
                ? .tagger(try TokenTagger(model, strategy: options.strategy))
                : .classifier(try TextClassifier(model, threshold: options.threshold))
            return
        }
        let embedder = try TextEmbedder(path, options.model, expressions: expressions)
        _ = try embedder.files.prompt(options.prompt)
        self = .embedder(embedder, prompt: options.prompt)
    }

    /// The labels' names by their numbers; none of a model of embeddings.
    package var labels: [String] { model?.labels ?? [] }

    /// The model of a classifier or tagger.
    package var model: RuntimeModel? {
        switch self {
        case .classifier(let classifier): classifier.model
        case .tagger(let tagger): tagger.model
        case .embedder: nil
        }
    }

    package var path: String {
        if case .embedder(let embedder, _) = self { embedder.path } else { model?.path ?? "" }
    }

    package var tokenizer: Tokenizer {
        switch self {
        case .classifier(let classifier): classifier.model.tokenizer
        case .tagger(let tagger): tagger.model.tokenizer
        case .embedder(let embedder, _): embedder.tokenizer
        }
    }

    /// The settings of the files that are ignored; each a line for the user.
    package var warnings: [String] {
        if case .embedder(let embedder, _) = self { embedder.warnings } else { model?.warnings ?? [] }
    }

    /// The number of tokens of a text that are read; `nil` for all.
    package var maxLength: Int? {
        if case .embedder(let embedder, _) = self { embedder.maxLength } else { model?.maxLength }
    }

    /// The number of tokens that the model has positions for; `nil` where there is no such number.
    package var mostTokens: Int? {
        if case .embedder(let embedder, _) = self {
            embedder.mostTokens
        } else {
            model?.configuration.maxLength
        }
    }

    // MARK: - Answers

    package var vectorWidth: Int? {
        if case .embedder(let embedder, _) = self { embedder.dimension } else { nil }
    }

    package func lines(of texts: [TextPair]) throws -> (lines: [String], cutCount: Int) {
        switch self {
        case .classifier(let classifier):
            let result = try classifier.predictions(texts)
            return (result.predictions.map(PredictionLine.text), result.cutCount)
        case .tagger(let tagger):
            return (try tagger.predict(texts.map(\.text)).map(PredictionLine.text), 0)
        case .embedder(let embedder, let prompt):
            let result = try embedder.vectors(texts.map(\.text), prompt: prompt)
            return (PredictionLine.texts(vectors: result.values, width: embedder.dimension), result.cutCount)
        }
    }

    package func vectors(of texts: [TextPair]) throws -> (values: [Float], cutCount: Int) {
        guard case .embedder(let embedder, let prompt) = self else {
            throw RuntimeError("\(path): gives no vectors; use a directory of sentence-transformers")
        }
        return try embedder.vectors(texts.map(\.text), prompt: prompt)
    }
}

extension LinePredictor {
    /// What only some kinds of models have a use for.
    package enum KindOption: Sendable {
        /// Two texts beside each other.
        case pairs
        /// The way in which tokens become entities.
        case aggregation
        /// The name of a prompt.
        case prompt
        /// The probability above which a label is chosen.
        case threshold
    }

    /// Why an option is not for this model, in a line; `nil` where it is.
    ///
    /// - Parameter name: The option's name for the user, such as `--pairs`.
    package func refusal(of option: KindOption, called name: String) -> String? {
        switch (option, self) {
        case (.pairs, .tagger): "a model for token classification reads single texts; leave \(name) out"
        case (.pairs, .embedder): "a model of embeddings reads single texts; leave \(name) out"
        case (.aggregation, .classifier), (.aggregation, .embedder):
            "\(name) is for models of token classification, which \(path) is not"
        case (.prompt, .classifier), (.prompt, .tagger):
            "\(name) is for models of embeddings, which \(path) is not"
        case (.threshold, .classifier(let classifier))
        where classifier.model.configuration.task.hasIndependentClasses:
            nil
        case (.threshold, _):
            "\(name) is for models that may choose several labels, of which \(path) is none; leave it out"
        case (.pairs, .classifier), (.aggregation, .tagger), (.prompt, .embedder): nil
        }
    }
}
