import Torch

/// The attention of a decoder's layer, without its linear layers: each token attends to those before it in its text, and to
/// itself.
///
/// Shapes: T tokens of all texts, N heads of queries, K heads of keys and values, D head size.
struct CausalAttention {
    let heads: Int
    let keyValueHeads: Int
    let headSize: Int
    /// The factor of the scores.
    let scale: Double
    /// The number of tokens that a token attends to, itself included; `nil` for all up to it.
    let window: Int?
    /// `nil` where positions have a table.
    let rotary: RotaryTables?
    let dropout: Dropout

    /// (T, N · D) queries, (T, K · D) keys and values → (T, N · D).
    ///
    /// - Parameters:
    ///   - queryNorm: Applied to each head of the queries before the rotation.
    ///   - keyNorm: Applied to each head of the keys.
    func callAsFunction(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ context: DecoderContext,
        queryNorm: DecoderNorm? = nil,
        keyNorm: DecoderNorm? = nil
    ) throws -> Tensor {
        let tokens = try query.size(0)
        func split(_ x: Tensor, _ heads: Int, _ norm: DecoderNorm?) throws -> Tensor {
            let parts = try x.reshaped([tokens, heads, headSize])
            return try norm.map { try $0(parts.to(.float32)).to(x.dtype) } ?? parts
        }
        var (q, k) = (try split(query, heads, queryNorm), try split(key, keyValueHeads, keyNorm))
        if let rotary { (q, k) = (try rotary(q, context), try rotary(k, context)) }
        let v = try split(value, keyValueHeads, nil)
        let attended =
            if let state = context.dropout, dropout.probability > 0 {
                try withDropout(q, k, v, context.offsets, state)
            } else {
                try Tensor.causalAttention(
                    query: q, key: k, value: v, offsets: context.offsets, window: window, scale: scale)
            }
        return try attended.reshaped([tokens, heads * headSize])
    }

    /// The same with dropout of the probabilities, whose draws depend on the texts before.
    private func withDropout(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ offsets: [Int], _ state: DropoutState
    ) throws -> Tensor {
        let position = state.next()
        var first = state.before.lengths.reduce(0) { $0 + heads * $1 * $1 }
        var parts: [Tensor] = []
        for text in 0..<offsets.count - 1 {
            let (start, length) = (offsets[text], offsets[text + 1] - offsets[text])
            func part(_ x: Tensor, repeats: Int) throws -> Tensor {
                // (L, K, D) → (N, L, D)
                let own = try x.narrowed(dimension: 0, start: start, length: length)
                return try Self.repeated(own, repeats).transposed(0, 1)
            }
            let groups = heads / keyValueHeads
            let (q, k, v) = (
                try part(query, repeats: 1), try part(key, repeats: groups), try part(value, repeats: groups)
            )
            let scores = try (q * scale).matmul(k.transposed()).maskedFill(
                hidden(length, query.device), -.infinity)
            let kept = try scores.softmax().dropout(
                probability: dropout.probability, seed: position.seed, offset: position.offset, first: first)
            parts.append(try kept.matmul(v).transposed(0, 1))
            first += heads * length * length
        }
        return try .concatenated(parts, dimension: 0)
    }

    /// (L, L): true where a token does not attend.
    private func hidden(_ length: Int, _ device: Device) throws -> Tensor {
        let places = try Tensor.arange(length, device: device)
        let distance = try places.unsqueezed(1) - places.unsqueezed(0)
        let later = try distance.less(0)
        return try window.map { try later.logicalOr(distance.greaterOrEqual(Double($0))) } ?? later
    }

    /// Repeats each head of keys or values for the heads of queries that it serves: (T, K, D) → (T, K · count, D).
    static func repeated(_ x: Tensor, _ count: Int) throws -> Tensor {
        guard count > 1 else { return x }
        let (tokens, heads, size) = (try x.size(0), try x.size(1), try x.size(2))
        return try x.unsqueezed(2).expanded([tokens, heads, count, size]).reshaped([
            tokens, heads * count, size,
        ])
    }
}
