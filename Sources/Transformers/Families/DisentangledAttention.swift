import Torch

/// Disentangled attention, whose scores add content-to-content, content-to-position and position-to-content
/// terms (He et al., "DeBERTa", arXiv 2006.03654, section 3.1).
///
/// Shapes: B batch, L length, H hidden size, N heads, D = H / N, S distinct relative distances on each side.
struct DisentangledAttention: SelfAttention {
    let query: Linear
    let key: Linear
    let value: Linear
    let heads: Int
    private let dropout: Dropout
    private let positions: RelativePositions?
    /// The key projection of relative distances, compared with the tokens' queries.
    private let positionKey: Linear?
    /// The query projection of relative distances, compared with the tokens' keys.
    private let positionQuery: Linear?
    /// The number of terms in a score.
    private let terms: Int
    private let positionDropout: Dropout

    init(
        _ scope: ParameterScope, _ configuration: ModelConfiguration, _ settings: DebertaV2Settings,
        _ positions: RelativePositions?
    ) throws {
        func linear(_ name: String) throws -> Linear {
            try Linear(
                scope[name], inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
                initializer: configuration.initializer)
        }
        let names = try configuration.family.postNormLayer()
        query = try linear(names.query)
        key = try linear(names.key)
        value = try linear(names.value)
        heads = configuration.numAttentionHeads
        dropout = Dropout(configuration.attentionProbsDropoutProb)
        positionDropout = Dropout(configuration.hiddenDropoutProb)
        self.positions = positions
        let shared = settings.sharesProjections
        let isRelative = positions != nil
        positionKey =
            isRelative && settings.contentToPosition
            ? (shared ? key : try linear(DebertaV2Names.positionKey)) : nil
        positionQuery =
            isRelative && settings.positionToContent
            ? (shared ? query : try linear(DebertaV2Names.positionQuery)) : nil
        terms = 1 + (settings.contentToPosition ? 1 : 0) + (settings.positionToContent ? 1 : 0)
    }

    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    ) {
        let (q, k, v) = (try split(query(x)), try split(key(x)), try split(value(x)))
        let scale = try 1 / Double(q.size(3) * terms).squareRoot()
        var scores = try q.matmul((k * scale).transposed())
        if let bias = try bias(q, k, length: x.size(1), context) { scores = try scores + bias * scale }
        let weights = try (scores + context.mask).softmax()
        let output = try joined(dropout(weights, context.dropout).matmul(v))
        return (output, context.needsProbabilities ? weights : nil)
    }

    /// The terms that distances add to the scores, before scaling: (B, N, L, L).
    private func bias(_ q: Tensor, _ k: Tensor, length: Int, _ context: LayerContext) throws -> Tensor? {
        guard let positions else { return nil }
        let table = try positionDropout(positions.table(), context.dropout, over: .other)
            .to(context.dtype).unsqueezed(0)
        let (toKey, toQuery) = try positions.indices(length)
        let shape = try [q.size(0), heads, length, length]
        var sum: Tensor?
        if let positionKey {
            // (B, N, L, 2S): each token with each distance, from which the actual distances are gathered.
            let all = try q.matmul(split(positionKey(table)).transposed())
            sum = try all.gathered(dimension: 3, toKey.expanded(shape))
        }
        if let positionQuery {
            let all = try k.matmul(split(positionQuery(table)).transposed())
            let term = try all.gathered(dimension: 3, toQuery.expanded(shape)).transposed()
            sum = try sum.map { try $0 + term } ?? term
        }
        return sum
    }
}

/// The embedding table of relative distances that all layers share.
final class RelativePositions {
    private let embedding: Embedding
    private let norm: LayerNorm?
    private let settings: DebertaV2Settings.Relative
    private let device: Device
    private var known: (length: Int, toKey: Tensor, toQuery: Tensor)?

    /// - Parameter root: The root of the parameters.
    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ settings: DebertaV2Settings.Relative
    ) throws {
        self.settings = settings
        device = root.device
        embedding = try Embedding(
            root[DebertaV2Names.distances], count: settings.span * 2, width: configuration.hiddenSize,
            initializer: configuration.initializer)
        norm =
            settings.isNormalised
            ? try LayerNorm(
                root[DebertaV2Names.distanceNorm], width: configuration.hiddenSize,
                epsilon: configuration.layerNormEps)
            : nil
    }

    /// (2S, H)
    func table() throws -> Tensor {
        let rows = try embedding(.arange(settings.span * 2, device: device))
        return try norm.map { try $0(rows) } ?? rows
    }

    /// Returns the rows of the table for each pair of positions, (1, 1, L, L) each: of the query's distance
    /// from the key, and of the key's from the query.
    func indices(_ length: Int) throws -> (toKey: Tensor, toQuery: Tensor) {
        if let known, known.length == length { return (known.toKey, known.toQuery) }
        func tensor(_ place: (Int) -> Int) throws -> Tensor {
            var places: [Int64] = []
            places.reserveCapacity(length * length)
            for row in 0..<length {
                for column in 0..<length { places.append(Int64(place(row - column))) }
            }
            return try Tensor(places, shape: [1, 1, length, length], device: device)
        }
        let made = (
            length: length, toKey: try tensor(settings.keyRow), toQuery: try tensor(settings.queryRow)
        )
        known = made
        return (made.toKey, made.toQuery)
    }
}
