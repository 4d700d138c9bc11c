import Architectures
import Torch

/// The attention of a decoder's layer without its linear layers.
///
/// Shapes: T tokens of all texts, N heads of queries, K heads of keys and values, D head size.
struct DecoderAttention {
    let attention: CausalAttention
    /// `nil` where positions have a table.
    let rotation: RotaryTable?
    private let dropout: Dropout
    /// The layer's number.
    private let index: Int

    init(
        _ configuration: ModelConfiguration, _ settings: DecoderSettings, index: Int, _ rotation: RotaryTable?
    ) {
        attention = CausalAttention(
            heads: configuration.numAttentionHeads, keyValueHeads: settings.keyValueHeads,
            headSize: settings.headSize, scale: settings.attentionScales[index],
            window: settings.windows[index])
        (self.rotation, self.index) = (rotation, index)
        dropout = Dropout(configuration.attentionProbsDropoutProb)
    }

    /// (T, N · D) queries, (T, K · D) keys and values → (T, N · D).
    ///
    /// - Parameters:
    ///   - queryNorm: Applied to each head of the queries before the rotation.
    ///   - keyNorm: Applied to each head of the keys.
    func callAsFunction(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ context: DecoderContext,
        queryNorm: DecoderNorm? = nil, keyNorm: DecoderNorm? = nil
    ) throws -> Tensor {
        let q = try normalized(query, attention.heads, queryNorm)
        let k = try normalized(key, attention.keyValueHeads, keyNorm)
        if !context.caches.isEmpty {
            return try attention(
                query: q, key: k, value: value, context.sequences, rotation: rotation,
                caches: caches(context))
        }
        guard let state = context.dropout, drops(context) else {
            return try attention(query: q, key: k, value: value, context.sequences, rotation: rotation)
        }
        return try withDropout(q, k, value, context.sequences, state)
    }

    /// True if a pass drops some of its probabilities.
    func drops(_ context: DecoderContext) -> Bool { context.dropout != nil && dropout.probability > 0 }

    /// This layer's caches, one for each text; empty where texts are whole.
    func caches(_ context: DecoderContext) -> [AttentionCache] { context.caches.map { $0.layers[index] } }

    /// Queries, keys and values with as many heads each, for objectives that compare them.
    func projections(query: Tensor, key: Tensor, value: Tensor) throws -> AttentionProjections {
        let heads = attention.heads
        func all(_ x: Tensor) throws -> Tensor {
            let tokens = try x.size(0)
            return try Self.repeated(
                x.reshaped([tokens, attention.keyValueHeads, attention.headSize]),
                heads / attention.keyValueHeads
            ).reshaped([tokens, heads * attention.headSize])
        }
        return AttentionProjections(
            query: try query.to(.float32), key: try all(key.to(.float32)), value: try all(value.to(.float32)),
            heads: heads)
    }

    private func normalized(_ x: Tensor, _ heads: Int, _ norm: DecoderNorm?) throws -> Tensor {
        guard let norm else { return x }
        let parts = try x.to(.float32).reshaped([x.size(0), heads, attention.headSize])
        return try norm(parts, x.dtype).reshaped(x.shape)
    }

    /// The same with dropout of the probabilities, whose draws depend on the texts before.
    private func withDropout(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ sequences: PackedSequences, _ state: DropoutState
    ) throws -> Tensor {
        let all = try attention.split(query, key, value, sequences, rotation)
        let (heads, groups) = (attention.heads, attention.heads / attention.keyValueHeads)
        let position = state.next()
        var first = state.before.lengths.reduce(0) { $0 + heads * $1 * $1 }
        var parts: [Tensor] = []
        for text in 0..<sequences.count {
            let (start, length) = (
                sequences.offsets[text], sequences.offsets[text + 1] - sequences.offsets[text]
            )
            func part(_ x: Tensor, repeats: Int) throws -> Tensor {
                // (L, K, D) → (N, L, D)
                let own = try x.narrowed(dimension: 0, start: start, length: length)
                return try Self.repeated(own, repeats).transposed(0, 1)
            }
            let (q, k, v) = (
                try part(all.query, repeats: 1), try part(all.key, repeats: groups),
                try part(all.value, repeats: groups)
            )
            let scores = try (q * attention.scale).matmul(k.transposed())
            let kept = try scores.maskedFill(hidden(length, query.device), -.infinity).softmax().dropout(
                probability: dropout.probability, seed: position.seed, offset: position.offset, first: first)
            parts.append(try kept.matmul(v).transposed(0, 1).reshaped([length, heads * attention.headSize]))
            first += heads * length * length
        }
        return try .concatenated(parts, dimension: 0)
    }

    /// (L, L): true where a token does not attend.
    private func hidden(_ length: Int, _ device: Device) throws -> Tensor {
        let places = try Tensor.arange(length, device: device)
        let distance = try places.unsqueezed(1) - places.unsqueezed(0)
        let later = try distance.less(0)
        return try attention.window.map { try later.logicalOr(distance.greaterOrEqual(Double($0))) } ?? later
    }

    /// Repeats each head of keys or values for the heads of queries that it serves: (T, K, D) → (T, K · count, D).
    private static func repeated(_ x: Tensor, _ count: Int) throws -> Tensor {
        guard count > 1 else { return x }
        let (tokens, heads, size) = (try x.size(0), try x.size(1), try x.size(2))
        return try x.unsqueezed(2).expanded([tokens, heads, count, size]).reshaped([
            tokens, heads * count, size,
        ])
    }
}

extension RotaryTable {
    /// Tables of several layers, each made once.
    static func shared(_ settings: [RotarySettings]) -> [RotaryTable] {
        var made: [(RotarySettings, RotaryTable)] = []
        return settings.map { own in
            if let found = made.first(where: { $0.0 == own }) { return found.1 }
            let table = RotaryTable(frequencies: own.frequencies, factor: own.attentionFactor)
            made.append((own, table))
            return table
        }
    }
}
