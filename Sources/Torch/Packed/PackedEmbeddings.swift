import CTorch

/// The sum of word, position and token type embeddings of packed sequences, normalized, with dropout, in one operation.
///
/// On the CPU the gradient of the word embedding table is sparse: it holds the rows that occur in the batch.
public struct PackedEmbeddings {
    let parameters: [Tensor]
    let positionOffset: Int
    let epsilon: Double
    let paddingIndex: Int?
    let dropout: Dropout

    /// - Parameters:
    ///   - word: (V, H)
    ///   - position: (P, H)
    ///   - positionOffset: The row of the position table for an example's first token.
    ///   - tokenType: (types, H); `nil` if token types have no embeddings.
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
    ///   - ids: T token ids, rows of the word embedding table.
    ///   - types: The token type of each token; `nil` for all 0.
    ///   - sequences: The offsets of the examples; positions count from there.
    ///   - dtype: The type that the following layers multiply in.
    ///   - state: The random state in training; `nil` in evaluation.
    /// - Returns: (T, H), float32, and beside it in `dtype` where that is another, on other devices than the CPU.
    /// - Throws: ``TorchError`` for ids outside of a table, or an example longer than the position table.
    public func callAsFunction(
        _ ids: [Int32], types: [Int32]?, _ sequences: PackedSequences, dtype: DType = .float32,
        _ state: DropoutState?
    ) throws -> PackedHidden {
        if sequences.device.kind != .cpu {
            return try composed(ids, types: types, sequences, dtype: dtype, state)
        }
        let position = dropout.probability > 0 ? state?.next(1) : nil
        let ids = try Tensor(ids)
        let types = try types.map { try Tensor($0) }
        return PackedHidden(
            try Tensor.withHandles(try tables()) { handles, _ in
                try .make {
                    ct_packed_embeddings(
                        handles, ids.handle, types?.handle, sequences.tensor.handle,
                        Int64(paddingIndex ?? -1),
                        epsilon, position == nil ? 0 : dropout.probability, position?.seed ?? 0,
                        position?.offset ?? 0, Int64(state?.before.tokens ?? 0), $0)
                }
            })
    }

    /// The same by libtorch's operations, on any device.
    func composed(
        _ ids: [Int32], types: [Int32]?, _ sequences: PackedSequences, dtype: DType, _ state: DropoutState?
    ) throws -> PackedHidden {
        let position = dropout.probability > 0 ? state?.next(1) : nil
        let tables = try self.tables()
        try validate(ids, types: types, offsets: sequences.offsets)
        // All numbers in one transfer.
        let numbers = try Tensor(ids + (types ?? []), device: sequences.device)
        let given = try numbers.narrowed(dimension: 0, start: 0, length: ids.count)
        let tokenTypes = try types.map {
            try numbers.narrowed(dimension: 0, start: ids.count, length: $0.count)
        }
        let positions = try sequences.tokenPositions()
        return try sequences.withDeviceSequences(padded: false) { sequences in
            try Tensor.withHandles(tables) { handles, _ in
                try .make {
                    ct_composed_embeddings(
                        handles, ids, given.handle, positions.handle, tokenTypes?.handle, sequences.starts,
                        Int64(paddingIndex ?? -1), epsilon, position == nil ? 0 : dropout.probability,
                        position?.seed ?? 0, position?.offset ?? 0, dtype == .bfloat16, $0, $1)
                }
            }
        }
    }

    /// - Throws: ``TorchError`` for indices outside of a table: on a device they would end the process.
    func validate(_ ids: [Int32], types: [Int32]?, offsets: [Int]) throws {
        guard types == nil || types?.count == ids.count else {
            throw TorchError("packed_embeddings: token_type_ids and input_ids differ in shape")
        }
        guard offsets.count > 1, offsets.first == 0, offsets.last == ids.count else {
            throw TorchError(
                "packed_embeddings: the offsets must lead from 0 to \(ids.count), the number of tokens")
        }
        if let empty = (1..<offsets.count).first(where: { offsets[$0] <= offsets[$0 - 1] }) {
            throw TorchError("packed_embeddings: example \(empty - 1) has no token")
        }
        let longest = (1..<offsets.count).reduce(0) { max($0, offsets[$1] - offsets[$1 - 1]) }
        try requireRows(ids, of: parameters[0], "input_ids")
        if let types { try requireRows(types, of: parameters[2], "token_type_ids") }
        let positions = try parameters[1].size(0) - positionOffset
        guard longest <= positions else {
            throw TorchError(
                kind: .index,
                "packed_embeddings: an example has \(longest) tokens, the model \(positions) positions")
        }
    }

    /// The parameters, the position table from the row of an example's first token on.
    private func tables() throws -> [Tensor] {
        guard positionOffset > 0 else { return parameters }
        var parameters = self.parameters
        let rows = try parameters[1].size(0) - positionOffset
        parameters[1] = try parameters[1].narrowed(dimension: 0, start: positionOffset, length: rows)
        return parameters
    }

    private func requireRows(_ ids: [Int32], of table: Tensor, _ name: String) throws {
        let rows = try table.size(0)
        guard let token = ids.firstIndex(where: { $0 < 0 || $0 >= rows }) else { return }
        throw TorchError(
            kind: .index,
            "packed_embeddings: \(name): index out of range: token \(token) has \(ids[token]), the table has \(rows) rows"
        )
    }
}
