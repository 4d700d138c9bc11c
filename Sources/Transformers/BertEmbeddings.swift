import Torch

/// The sum of word, position and segment embeddings, normalised.
struct BertEmbeddings {
    let word: Embedding
    let position: Embedding
    let tokenType: Embedding
    let norm: LayerNorm
    let dropout: Dropout

    init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws {
        let width = configuration.hiddenSize
        let initializer = ParameterInitializer.normal(standardDeviation: configuration.initializerRange)
        word = try Embedding(
            scope["word_embeddings"], count: configuration.vocabSize, width: width,
            paddingIndex: configuration.padTokenId, initializer: initializer)
        position = try Embedding(
            scope["position_embeddings"], count: configuration.maxPositionEmbeddings, width: width,
            initializer: initializer)
        tokenType = try Embedding(
            scope["token_type_embeddings"], count: configuration.typeVocabSize, width: width,
            initializer: initializer)
        norm = try LayerNorm(scope["LayerNorm"], width: width, epsilon: configuration.layerNormEps)
        dropout = Dropout(configuration.hiddenDropoutProb)
    }

    /// (B, L) ids → (B, L, H)
    func callAsFunction(_ input: ModelInput, _ state: DropoutState?) throws -> Tensor {
        let length = try input.inputIDs.size(1)
        guard length <= (try position.weight.size(0)) else {
            throw TransformersError(
                "the input has \(length) tokens, the model \(try position.weight.size(0)) positions; "
                    + "pass a smaller --max-length")
        }
        let types = try input.tokenTypeIDs ?? input.inputIDs.zerosLike()
        let positions = try position.weight[0..<length]
        return try dropout(norm(word(input.inputIDs) + tokenType(types) + positions), state)
    }
}
