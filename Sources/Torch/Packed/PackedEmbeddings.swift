import CTorch

/// The sum of word, position and segment embeddings of packed sequences, normalised, with dropout, in one operation.
///
/// The gradient of the word table is sparse: it holds the rows that occur in the batch.
public struct PackedEmbeddings {
    private let parameters: [Tensor]
    private let positionOffset: Int
    private let epsilon: Double
    private let paddingIndex: Int?
    private let dropout: Dropout

    /// - Parameters:
    ///   - word: (V, H)
    ///   - position: (P, H)
    ///   - positionOffset: The row of the position table for an example's first token.
    ///   - tokenType: (types, H); `nil` where segments have no embeddings.
    ///   - norm: Over H.
    ///   - dropout: After the norm, in training.
    /// - Throws: ``TorchError`` where memory is short.
    public init(
        word: Embedding, position: Embedding, positionOffset: Int = 0, tokenType: Embedding?, norm: LayerNorm,
        dropout: Dropout
    ) throws {
        let noType = try Tensor.zeros([1, norm.weight.count], device: word.weight.device)
        parameters = [word.weight, position.weight, tokenType?.weight ?? noType, norm.weight, norm.bias]
        self.positionOffset = positionOffset
        epsilon = norm.epsilon
        paddingIndex = word.paddingIndex
        self.dropout = dropout
    }

    /// - Parameters:
    ///   - ids: T token ids, rows of the word table.
    ///   - types: The segment of each token; `nil` for all 0.
    ///   - sequences: Where the examples begin; positions count from there.
    ///   - state: The random state in training; `nil` in evaluation.
    /// - Returns: (T, H), float32.
    /// - Throws: ``TorchError`` for ids outside of a table, or an example longer than the position table.
    public func callAsFunction(
        _ ids: [Int32], types: [Int32]?, _ sequences: PackedSequences, _ state: DropoutState?
    ) throws -> Tensor {
        let position = dropout.probability > 0 ? state?.next(1) : nil
        let ids = try Tensor(ids)
        let types = try types.map { try Tensor($0) }
        var parameters = self.parameters
        if positionOffset > 0 {
            let rows = try parameters[1].size(0) - positionOffset
            parameters[1] = try parameters[1].narrowed(dimension: 0, start: positionOffset, length: rows)
        }
        return try Tensor.withHandles(parameters) { handles, _ in
            try .make {
                ct_packed_embeddings(
                    handles, ids.handle, types?.handle, sequences.tensor.handle, Int64(paddingIndex ?? -1),
                    epsilon, position == nil ? 0 : dropout.probability, position?.seed ?? 0,
                    position?.offset ?? 0, $0)
            }
        }
    }
}
