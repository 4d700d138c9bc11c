import Torch

/// The sum of token, position and token type embeddings, normalized; all but the token embeddings are
/// optional.
///
/// Shapes: B batch, L length, T tokens of all examples, E embedding size, H hidden size.
struct EncoderEmbeddings {
    /// The position of a projection from E to H relative to the norm.
    enum Projection {
        /// Before the norm, which is of width H (DeBERTa).
        case beforeNorm(Linear)
        /// After norm and dropout (ELECTRA, ALBERT).
        case afterNorm(Linear)
    }

    let word: Embedding
    let position: Embedding?
    /// The position table's row for an example's first token: RoBERTa's tables begin with the padding
    /// token's.
    let positionOffset: Int
    let tokenType: Embedding?
    /// True if there is more than one token type; with only one, a tokenizer's token types carry no
    /// information.
    private let tellsSegments: Bool
    let norm: LayerNorm
    let projection: Projection?
    let dropout: Dropout
    /// The sum of the tables and the norm in one operation; `nil` without positions.
    private let kernel: PackedEmbeddings?

    /// Makes the tables and the norm under the family's names.
    ///
    /// - Parameters:
    ///   - root: The root of the parameters.
    ///   - configuration: Sizes and names.
    ///   - hasPositions: True if there is a position table, where the family has one.
    ///   - normHasBias: True if the norm has a bias.
    ///   - projection: The projection from E to H.
    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, hasPositions: Bool = true,
        normHasBias: Bool = true, projection: Projection? = nil
    ) throws {
        let names = configuration.family.layout.embeddings
        let width = configuration.embeddingSize
        let initializer = configuration.initializer
        let padding = configuration.padTokenId
        let offset = configuration.positionOffset
        func table(_ name: String, _ count: Int, padding: Int? = nil) throws -> Embedding {
            try Embedding(
                root[name], count: count, width: width, paddingIndex: padding, initializer: initializer)
        }
        word = try table(names.word, configuration.vocabSize, padding: padding)
        let positionName = hasPositions ? names.position : nil
        position = try positionName.map {
            try table(
                $0, configuration.maxPositionEmbeddings, padding: offset > 0 ? offset - 1 : nil)
        }
        positionOffset = offset
        tellsSegments = configuration.typeVocabSize > 1
        tokenType =
            configuration.typeVocabSize > 0
            ? try names.tokenType.map { try table($0, configuration.typeVocabSize) } : nil
        var normWidth = width
        if case .beforeNorm = projection { normWidth = configuration.hiddenSize }
        norm = try LayerNorm(
            root[names.norm], width: normWidth, epsilon: configuration.layerNormEps, bias: normHasBias)
        self.projection = projection
        dropout = Dropout(configuration.hiddenDropoutProb)
        kernel = try position.map { [word, positionOffset, tokenType, norm, dropout] in
            try PackedEmbeddings(
                word: word, position: $0, positionOffset: positionOffset, tokenType: tokenType, norm: norm,
                dropout: dropout)
        }

        // A fresh table has zeros for the padding token, as transformers' has.
        let fresh = Set(root.initialisedNames)
        if fresh.contains(names.word + ".weight") {
            try withNoGrad { try word.weight[padding].fill(0) }
        }
        if let position, let positionName, offset > 0, fresh.contains(positionName + ".weight") {
            try withNoGrad { try position.weight[offset - 1].fill(0) }
        }
    }

    /// Makes the projection from E to H; `nil` where there is none.
    static func projection(
        _ root: ParameterScope, _ configuration: ModelConfiguration, bias: Bool = true
    ) throws -> Linear? {
        guard configuration.projectsEmbeddings else { return nil }
        return try configuration.family.layout.embeddings.projection.map {
            try Linear(
                root[$0], inputs: configuration.embeddingSize, outputs: configuration.hiddenSize, bias: bias,
                initializer: configuration.initializer)
        }
    }

    /// The token embedding table, of which a batch reads only some rows.
    var wordTable: Tensor { word.weight }

    /// True if ``packed(_:_:_:)`` can compute it.
    var canPack: Bool {
        guard position != nil, !isInt8 else { return false }
        if case .beforeNorm = projection { return false }
        return true
    }

    /// True if the hidden states after it can be projected to fewer dimensions by changing its parameters.
    var canProject: Bool {
        if case .beforeNorm = projection { return false }
        return true
    }

    private var isInt8: Bool { [word, position, tokenType].contains { $0?.int8 != nil } }

    /// The embeddings of packed input, in one operation: (T, H) float32, and in the type of the layers after
    /// where that differs. On the CPU the gradient of the token embedding table is sparse.
    func packed(
        _ input: PackedInput, _ sequences: PackedSequences, dtype: DType, _ state: DropoutState?
    ) throws -> PackedHidden {
        guard let kernel else { throw TransformersError("these embeddings have no positions") }
        let types = tellsSegments ? input.tokenTypeIDs : nil
        let hidden = try kernel(input.inputIDs, types: types, sequences, dtype: dtype, state)
        guard case .afterNorm = projection else { return hidden }
        return PackedHidden(try projected(hidden.wide))
    }

    /// The encoder of these embeddings and some layers whose kernels are started together, where that is possible.
    func encoder(_ layers: [PackedEncoderLayer]) throws -> PackedEncoder? {
        guard let kernel, projection == nil else { return nil }
        return try PackedEncoder(embeddings: kernel, layers: layers)
    }

    /// Returns the token types, if the model distinguishes any.
    func types(of input: PackedInput) -> [Int32]? { tellsSegments ? input.tokenTypeIDs : nil }

    /// The embeddings of packed input where tables may be int8: (T, H) float32.
    func widened(_ input: PackedInput) throws -> Tensor {
        var sum = try word(Tensor(input.inputIDs))
        // In this order, so that sums are rounded alike on every path.
        if let tokenType {
            let given = tellsSegments ? input.tokenTypeIDs : nil
            let types = given ?? [Int32](repeating: 0, count: input.inputIDs.count)
            sum = try sum + tokenType(Tensor(types))
        }
        if let position {
            var positions: [Int32] = []
            positions.reserveCapacity(input.inputIDs.count)
            let first = Int32(positionOffset)
            for example in 0..<input.count {
                let length = Int32(input.offsets[example + 1] - input.offsets[example])
                positions += (first..<first + length)
            }
            sum = try sum + position(Tensor(positions))
        }
        return try normalised(sum, nil)
    }

    /// (B, L) ids → (B, L, H)
    func callAsFunction(_ input: ModelInput, _ state: DropoutState?) throws -> Tensor {
        try normalised(sum(input), state)
    }

    /// The sum of the tables' rows, before the norm: (B, L) ids → (B, L, E).
    func sum(_ input: ModelInput) throws -> Tensor {
        var sum = try word(input.inputIDs)
        if let tokenType {
            let given = tellsSegments ? input.tokenTypeIDs : nil
            sum = try sum + tokenType(given ?? input.inputIDs.zerosLike())
        }
        if let position { sum = try sum + position(positions(input)) }
        return sum
    }

    /// (L), or (B, L) where padding counts.
    private func positions(_ input: ModelInput) throws -> Tensor {
        // Positions count from 0 in every row, so the table's first L rows serve all of them.
        guard positionOffset > 0 else {
            return try .arange(input.inputIDs.size(1), device: input.inputIDs.device)
        }
        // Positions count from the padding's row on; padding, wherever it is, has its own row.
        let isToken = try input.attentionMask.notEqual(0).to(.int64)
        return try isToken.cumulativeSum(dimension: 1) * isToken + Double(positionOffset - 1)
    }

    private func normalised(_ sum: Tensor, _ state: DropoutState?) throws -> Tensor {
        if case .beforeNorm(let linear) = projection { return try dropout(norm(linear(sum)), state) }
        return try projected(dropout(norm(sum), state))
    }

    private func projected(_ hidden: Tensor) throws -> Tensor {
        if case .afterNorm(let linear) = projection { return try linear(hidden) }
        return hidden
    }
}
