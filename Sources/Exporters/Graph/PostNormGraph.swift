import Architectures

/// The graph of an encoder with BERT's layers, and its classifier.
///
/// Shapes: B batch, L length, M query tokens, H hidden size.
struct PostNormGraph {
    let parts: ModelGraph
    private let names: PostNormLayerNames

    var graph: any GraphOperations { parts.graph }
    var configuration: ModelConfiguration { parts.configuration }

    /// - Throws: `ArchitectureError` where the family's layers are not like BERT's.
    init(_ parts: ModelGraph) throws {
        self.parts = parts
        names = try parts.configuration.family.postNormLayer()
    }

    /// Adds everything.
    func build() throws {
        let ids = graph.tokens("input_ids")
        let mask = graph.tokens("attention_mask")
        // With a single token type there is no choice, and transformers' exports have no such input.
        let types = configuration.typeVocabSize > 1 ? graph.tokens("token_type_ids") : nil

        var hidden = try embeddings(ids, types)
        let additiveMask = parts.additiveMask(mask)
        let relative = try relativePositions(ids)
        let layers = configuration.numHiddenLayers
        let (hasTokenRows, firstOnly) = (configuration.headKind.hasRowForEachToken, parts.readsFirstTokens)
        for index in 0..<layers {
            hidden = try layer(
                index, hidden, additiveMask, relative, firstOnly: index == layers - 1 && firstOnly)
        }
        if let embedding = configuration.embedding { return try parts.embed(hidden, mask, embedding) }
        guard hasTokenRows else { return try parts.sequenceHead(hidden, sequenceActivation()) }
        let classifier = parts.model.head.classifier
        let logits = try parts.linear(hidden, classifier, configuration.labelNames.count, parts.width)
        graph.output(logits, in: classifier, of: parts.model)
    }

    private func sequenceActivation() throws -> ActivationName {
        guard configuration.family.modelType == ModelFamily.debertaV2.modelType else {
            return parts.layout.sequenceHead.activation
        }
        return try DebertaV2Settings(configuration).poolerActivation
    }

    /// Adds a layer: attention, then a feed-forward network, each followed by a residual connection and
    /// normalization.
    ///
    /// - Parameters:
    ///   - index: The layer's index.
    ///   - x: (B, L, H)
    ///   - mask: (B, 1, 1, L), added to the scores.
    ///   - relative: What relative positions add to the scores.
    ///   - firstOnly: True if only each example's first token is wanted: (B, 1, H).
    private func layer(
        _ index: Int, _ x: GraphValue, _ mask: GraphValue, _ relative: RelativePositions?, firstOnly: Bool
    ) throws -> GraphValue {
        let name = parts.layout.layers(try configuration.layerGroup(index))
        func module(_ part: KeyPath<PostNormLayerNames, String>) -> String {
            "\(name).\(names[keyPath: part])"
        }
        let residual = firstOnly ? parts.firstToken(x, in: name) : x
        let context = try attention(name, queries: residual, x, mask, relative, firstOnly: firstOnly)
        let projected = try parts.linear(context, module(\.attentionOutput), parts.width, parts.width)
        let attended = try parts.norm(
            graph.binary(.add, projected, residual, in: module(\.attentionOutput)), module(\.attentionNorm))
        let inner = configuration.intermediateSize
        let wide = try parts.linear(attended, module(\.intermediate), inner, parts.width)
        let active = graph.activation(configuration.hiddenAct, wide, in: module(\.intermediate))
        let narrow = try parts.linear(active, module(\.output), parts.width, inner)
        return try parts.norm(
            graph.binary(.add, narrow, attended, in: module(\.output)), module(\.outputNorm))
    }

    /// Adds multi-head self-attention (Vaswani et al., arXiv 1706.03762).
    ///
    /// - Parameters:
    ///   - layer: The name of the layer.
    ///   - queries: (B, M, H), the query tokens.
    ///   - x: (B, L, H), the tokens of keys and values.
    ///   - mask: (B, 1, 1, L), added to the scores.
    ///   - relative: What relative positions add to the scores.
    ///   - firstOnly: True if the only query is each example's first token.
    /// - Returns: (B, M, H)
    private func attention(
        _ layer: String, queries: GraphValue, _ x: GraphValue, _ mask: GraphValue,
        _ relative: RelativePositions?, firstOnly: Bool
    ) throws -> GraphValue {
        let module = layer + ".attention"
        func projected(_ y: GraphValue, _ part: String, _ order: [Int]) throws -> GraphValue {
            let name = "\(layer).\(part)"
            return parts.heads(try parts.linear(y, name, parts.width, parts.width), order, in: name)
        }
        let q = try projected(queries, names.query, [0, 2, 1, 3])
        let kTransposed = try projected(x, names.key, [0, 2, 3, 1])
        let v = try projected(x, names.value, [0, 2, 1, 3])
        var product = graph.matmul(q, kTransposed, in: module)
        var (mask, terms) = (mask, 1)
        switch relative {
        case .bias(let bias):
            let bias = firstOnly ? graph.slice(bias, axis: 2, from: 0, to: 1, in: module) : bias
            mask = graph.binary(.add, mask, bias, in: module)
        case .disentangled(let disentangled):
            terms = disentangled.terms
            if let sum = try self.terms(disentangled, layer, q, kTransposed, firstOnly: firstOnly) {
                product = graph.binary(.add, product, sum, in: module)
            }
        case nil: break
        }
        let factor = graph.scalar(
            1 / Float(configuration.headSize * terms).squareRoot(), "attention_scale")
        let scores = graph.binary(.multiply, product, factor, in: module)
        return parts.attended(graph.convert(scores, .floats, to: .scores, in: module), mask, v, in: module)
    }
}
