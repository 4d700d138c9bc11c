import CTorch

/// The mean of each packed text's rows of a table, as `torch.nn.EmbeddingBag` with `mode="mean"`, with a weight for each token where
/// there are some.
///
/// On the CPU a text's mean has the same bits whatever the other texts, and the table's gradient is sparse: it holds the rows that
/// occur in the batch.
public struct EmbeddingBag {
    /// (V, H)
    public let table: Tensor
    /// (V) the weight of each token; `nil` for 1.
    public let weights: Tensor?
    /// The token that is left out, as if texts did not have it; `nil` for none.
    public let paddingIndex: Int?

    public init(table: Tensor, weights: Tensor? = nil, paddingIndex: Int? = nil) {
        (self.table, self.weights, self.paddingIndex) = (table, weights, paddingIndex)
    }

    /// - Parameters:
    ///   - ids: T token ids, rows of the table.
    ///   - offsets: B + 1 numbers: where each text begins, and T. A text may have no token.
    /// - Returns: (B, H) float32; zeros of a text without tokens.
    /// - Throws: ``TorchError`` for ids outside of the table, or offsets that do not fit.
    public func callAsFunction(_ ids: [Int32], offsets: [Int]) throws -> Tensor {
        guard table.device.kind == .cpu else { return try composed(ids, offsets: offsets) }
        let places = try Tensor(offsets.map { Int64($0) }, shape: [offsets.count])
        let ids = try Tensor(ids, shape: [ids.count])
        return try .make {
            ct_embedding_bag(
                table.handle, weights?.handle, ids.handle, places.handle, Int64(paddingIndex ?? -1), $0)
        }
    }

    /// The same by libtorch's operations, on any device.
    func composed(_ ids: [Int32], offsets: [Int]) throws -> Tensor {
        let (rows, count) = (try table.size(0), offsets.count - 1)
        guard count > 0, offsets.first == 0, offsets.last == ids.count,
            zip(offsets, offsets.dropFirst()).allSatisfy(<=)
        else {
            throw TorchError("embedding_bag: the offsets do not divide \(ids.count) tokens into texts")
        }
        if let token = ids.firstIndex(where: { $0 < 0 || Int($0) >= rows }) {
            throw TorchError(
                kind: .index,
                "embedding_bag: input_ids: index out of range: token \(token) has \(ids[token]), the table has \(rows) rows"
            )
        }
        // A matrix of what each distinct token counts for in each text.
        let distinct = Set(ids).filter { Int($0) != paddingIndex }.sorted()
        guard !distinct.isEmpty else { return try .zeros([count, try table.size(1)], device: table.device) }
        let places = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
        var shares = [Float](repeating: 0, count: count * distinct.count)
        for text in 0..<count {
            let own = ids[offsets[text]..<offsets[text + 1]].compactMap { places[$0] }
            for place in own { shares[text * distinct.count + place] += 1 / Float(own.count) }
        }
        let chosen = try Tensor(distinct, device: table.device)
        var vectors = try table.indexSelect(dimension: 0, chosen)
        if let weights { vectors = try vectors * weights.indexSelect(dimension: 0, chosen).unsqueezed(1) }
        return try Tensor(shares, shape: [count, distinct.count], device: table.device).matmul(vectors)
    }
}
