import Architectures

extension PostNormGraph {
    /// Adds token, token type and position embeddings, normalized and, where narrower, projected: (B, L, H).
    func embeddings(_ ids: GraphValue, _ types: GraphValue?) throws -> GraphValue {
        let tables = parts.layout.embeddings
        let narrow = configuration.embeddingSize
        var sum = try parts.rows(tables.word, .at(ids), configuration.vocabSize, narrow)
        if configuration.typeVocabSize > 0, let tokenType = tables.tokenType {
            // With one token type, its only row serves every token.
            let segment = try parts.rows(
                tokenType, types.map(RowChoice.at) ?? .zero, configuration.typeVocabSize, narrow)
            sum = graph.binary(.add, sum, segment, in: tables.path)
        }
        let isDeberta = configuration.family.modelType == ModelFamily.debertaV2.modelType
        let addsPositions = try !isDeberta || DebertaV2Settings(configuration).addsPositions
        if let position = tables.position, addsPositions {
            let choice =
                configuration.family.positionsFollowPadding
                ? RowChoice.at(positions(ids, in: position)) : .first(as: ids, in: tables.path)
            let row = try parts.rows(position, choice, configuration.maxPositionEmbeddings, narrow)
            sum = graph.binary(.add, sum, row, in: tables.path)
        }
        let projection = configuration.projectsEmbeddings ? tables.projection : nil
        if isDeberta {
            let wide = try projection.map { try parts.linear(sum, $0, parts.width, narrow) }
            return try parts.norm(wide ?? sum, tables.norm)
        }
        let normalised = try parts.norm(sum, tables.norm, width: narrow)
        return try projection.map { try parts.linear(normalised, $0, parts.width, narrow) } ?? normalised
    }

    /// Adds position ids (B, L): the padding's row for padding, and for the others rows that count on
    /// from there.
    private func positions(_ ids: GraphValue, in module: String) -> GraphValue {
        let isToken = graph.convert(
            graph.compare(ids, .differs(from: configuration.padTokenId), in: module), .booleans,
            to: .integers,
            in: module)
        let count = graph.cumulativeSum(isToken, in: module)
        return graph.binary(
            .add, graph.binary(.multiply, count, isToken, in: module),
            graph.integer(configuration.positionOffset - 1), in: module)
    }
}
