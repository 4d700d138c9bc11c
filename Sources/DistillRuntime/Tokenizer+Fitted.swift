import Architectures
import Tokenizers

extension Tokenizer {
    /// The tokenizer as a model uses it: it gives token types only where `model_input_names` has them and the model tells them apart.
    ///
    /// - Parameters:
    ///   - configuration: The model's.
    ///   - place: The model's path, for messages.
    /// - Throws: ``RuntimeError`` where it has more tokens than the model, but for some that were added later, which are errors in texts.
    package func fitted(to configuration: ModelConfiguration, place: String) throws -> Tokenizer {
        guard let tokenizer = limited(to: configuration.vocabSize, place: place) else {
            throw RuntimeError(
                "\(place): the tokenizer has \(vocabularySize) tokens, the model's vocab_size is "
                    + "\(configuration.vocabSize); use the tokenizer that belongs to this model")
        }
        if configuration.isTable { return tokenizer.withoutSpecialTokens }
        // Models without token types never see them, and texts compare as they are read by others.
        let ignoresSegments = configuration.typeVocabSize < 2
        return ignoresSegments || tokenizer.modelInputNames.contains("token_type_ids")
            ? tokenizer : tokenizer.withoutSegments
    }
}
