import Torch

/// The sum of word, position and segment embeddings, normalised.
struct BertEmbeddings {
    private let word: Embedding
    private let position: Embedding
    private let tokenType: Embedding
    private let norm: LayerNorm
    private let dropout: Dropout

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

        // A fresh table has zeros for the padding token, as transformers' has.
        if scope.initialisedNames.contains(scope["word_embeddings"]["weight"].path) {
            try withNoGrad { try word.weight[configuration.padTokenId].fill(0) }
        }
    }

    /// The same for packed sequences.
    var packed: PackedEmbeddings {
        PackedEmbeddings(word: word, position: position, tokenType: tokenType, norm: norm, dropout: dropout)
    }

    /// The table that a batch reads only some rows of.
    var wordTable: Tensor { word.weight }

    /// The embeddings of packed input where tables may be int8: (T, H) float32.
    func widened(_ input: PackedInput) throws -> Tensor {
        var positions: [Int32] = []
        positions.reserveCapacity(input.inputIDs.count)
        for example in 0..<input.count {
            positions += (0..<Int32(input.offsets[example + 1] - input.offsets[example]))
        }
        let types = input.tokenTypeIDs ?? [Int32](repeating: 0, count: input.inputIDs.count)
        return try norm(
            word(Tensor(input.inputIDs)) + tokenType(Tensor(types)) + position(Tensor(positions)))
    }

    /// (B, L) ids → (B, L, H)
    func callAsFunction(_ input: ModelInput, _ state: DropoutState?) throws -> Tensor {
        let types = try input.tokenTypeIDs ?? input.inputIDs.zerosLike()
        // Positions count from 0 in every row, so the table's first L rows serve all of them.
        let positions = try position(.arange(input.inputIDs.size(1), device: input.inputIDs.device))
        return try dropout(norm(word(input.inputIDs) + tokenType(types) + positions), state)
    }
}
