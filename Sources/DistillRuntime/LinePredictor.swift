import Tokenizers

/// A classifier, a tagger or a model of embeddings, whichever a directory holds, that answers in lines of JSON.
package enum LinePredictor: Sendable {
    case classifier(TextClassifier)
    case tagger(TokenTagger)
    case embedder(TextEmbedder, prompt: String?)

    /// - Throws: ``RuntimeError`` for a threshold that is not between 0 and 1.
    package init(_ model: RuntimeModel, threshold: Double, strategy: EntityAggregation.Strategy) throws {
        self =
            model.isTagger
            ? .tagger(try TokenTagger(model, strategy: strategy))
            : .classifier(try TextClassifier(model, threshold: threshold))
    }

    /// The labels' names by their numbers; none of a model of embeddings.
    package var labels: [String] {
        switch self {
        case .classifier(let classifier): classifier.model.labels
        case .tagger(let tagger): tagger.model.labels
        case .embedder: []
        }
    }

    /// True if a text may have a second one beside it.
    package var readsPairs: Bool { if case .classifier = self { true } else { false } }

    /// A line for each input, its prediction or what is wrong with it, and the number of texts that were cut.
    package func lines(for inputs: [LineInput]) throws -> (lines: [String], cutCount: Int) {
        let texts = inputs.compactMap(\.text)
        var (predictions, cutCount) = (ArraySlice<String>(), 0)
        switch self {
        case .classifier(let classifier):
            let result = try classifier.predictions(texts)
            (predictions, cutCount) = (result.predictions.map(PredictionLine.text)[...], result.cutCount)
        case .tagger(let tagger):
            predictions = try tagger.predict(texts.map(\.text)).map(PredictionLine.text)[...]
        case .embedder(let embedder, let prompt):
            let result = try embedder.vectors(texts.map(\.text), prompt: prompt)
            (predictions, cutCount) = (
                PredictionLine.texts(vectors: result.values, width: embedder.dimension)[...], result.cutCount
            )
        }
        let lines = inputs.map { input in
            switch input {
            case .text: predictions.removeFirst()
            case .problem(let problem): PredictionLine.text(error: problem)
            }
        }
        return (lines, cutCount)
    }
}
