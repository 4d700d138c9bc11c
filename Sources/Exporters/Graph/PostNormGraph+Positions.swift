import Architectures

/// What relative positions add to attention scores.
enum RelativePositions {
    /// A number for each head and distance, (1, N, L, L), added to the scores (MPNet).
    case bias(GraphValue)
    case disentangled(Disentangled)

    /// The terms of DeBERTa's disentangled attention (He et al., "DeBERTa", arXiv 2006.03654, section 3.1). S is the number of
    /// distances on each side.
    struct Disentangled {
        let settings: DebertaV2Settings
        let relative: DebertaV2Settings.Relative
        /// The embeddings of distances, (1, 2S, H), where the model projects them; `nil` where the exporter does.
        let table: GraphValue?
        /// The rows of the table for each query and key, integers (1, 1, L, L), as keys and as queries see them.
        let keyRows: GraphValue?
        let queryRows: GraphValue?

        /// The number of terms in a score.
        var terms: Int {
            1 + (settings.contentToPosition ? 1 : 0) + (settings.positionToContent ? 1 : 0)
        }
    }
}

extension PostNormGraph {
    /// Adds what all layers' scores need of relative positions; `nil` for a family without.
    func relativePositions(_ ids: GraphValue) throws -> RelativePositions? {
        switch configuration.family.modelType {
        case ModelFamily.mpnet.modelType: .bias(try positionBias(ids))
        case ModelFamily.debertaV2.modelType: try disentangled(ids)
        default: nil
        }
    }

    private func positionBias(_ ids: GraphValue) throws -> GraphValue {
        let name = MPNetNames.positionBias
        // The buckets are of a key's distance after the query.
        let places = parts.table(of: parts.distances(of: ids), "distance_buckets") {
            MPNetNames.distances(-$0)
        }
        let rows = try parts.rows(
            name, .at(places), MPNetNames.buckets, configuration.numAttentionHeads)
        let bias = graph.insert(axes: [0], graph.transpose(rows, [2, 0, 1], in: name), in: name)
        return graph.convert(bias, .floats, to: .scores, in: name)
    }

    private func disentangled(_ ids: GraphValue) throws -> RelativePositions? {
        let settings = try DebertaV2Settings(configuration)
        guard let relative = settings.relative else { return nil }
        var table: GraphValue?
        // Their projections are the same for every text, and so constants; in int8 they are rounded as tokens are.
        if parts.model.isQuantized {
            var rows = try parts.rows(DebertaV2Names.distances, .all, 2 * relative.span, parts.width)
            if relative.isNormalised { rows = try parts.norm(rows, DebertaV2Names.distanceNorm) }
            table = graph.insert(axes: [0], rows, in: DebertaV2Names.distances)
        }
        let distances = parts.distances(of: ids)
        func rows(_ name: String, _ row: (Int) -> Int) -> GraphValue {
            graph.insert(axes: [0, 1], parts.table(of: distances, name, row), in: name)
        }
        return .disentangled(
            RelativePositions.Disentangled(
                settings: settings, relative: relative, table: table,
                keyRows: settings.contentToPosition ? rows("key_rows", relative.keyRow) : nil,
                queryRows: settings.positionToContent ? rows("query_rows", relative.queryRow) : nil))
    }

    /// Adds the terms that distances add to the scores, before scaling: (B, N, M, L).
    ///
    /// - Parameters:
    ///   - positions: The distances.
    ///   - layer: The name of the layer.
    ///   - query: (B, N, M, D)
    ///   - keyTransposed: (B, N, D, L)
    ///   - firstOnly: True if the only query is each example's first token.
    func terms(
        _ positions: RelativePositions.Disentangled, _ layer: String, _ query: GraphValue,
        _ keyTransposed: GraphValue, firstOnly: Bool
    ) throws -> GraphValue? {
        let names = try configuration.family.postNormLayer()
        let shared = positions.settings.sharesProjections
        let module = layer + ".attention"
        // (1, N, D, 2S)
        func projected(_ own: String, _ other: String) throws -> GraphValue {
            let name = "\(layer).\(shared ? other : own)"
            guard let table = positions.table else {
                return try graph.tensor(
                    { try parts.model.projectedDistances(name, positions.relative, as: $0) },
                    name + ".distances")
            }
            return parts.heads(
                try parts.linear(table, name, parts.width, parts.width), [0, 2, 3, 1], in: name)
        }
        func first(_ indices: GraphValue, _ axis: Int) -> GraphValue {
            firstOnly ? graph.slice(indices, axis: axis, from: 0, to: 1, in: module) : indices
        }
        var sum: GraphValue?
        if let rows = positions.keyRows {
            // (B, N, M, 2S): each query with each distance, of which the actual ones are taken.
            let all = graph.matmul(
                query, try projected(DebertaV2Names.positionKey, names.key), in: module)
            sum = graph.elements(ofLastAxisOf: all, at: first(rows, 2), in: module)
        }
        if let rows = positions.queryRows {
            // (B, N, L, 2S), of keys; what is taken has keys in rows, and is transposed.
            let key = graph.transpose(keyTransposed, [0, 1, 3, 2], in: module)
            let all = graph.matmul(
                key, try projected(DebertaV2Names.positionQuery, names.query), in: module)
            let taken = graph.elements(ofLastAxisOf: all, at: first(rows, 3), in: module)
            let term = graph.transpose(taken, [0, 1, 3, 2], in: module)
            sum = sum.map { graph.binary(.add, $0, term, in: module) } ?? term
        }
        return sum
    }
}
