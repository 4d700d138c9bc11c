import Architectures
import Foundation

/// The graph of ModernBERT: normalization before each part of a layer, rotary position embeddings, windows of attention and
/// gated feed-forward networks (Warner et al., arXiv 2412.13663).
///
/// Shapes: B batch, L length, M query tokens, H hidden size, N heads, D head size.
struct ModernBertGraph {
    private let parts: ModelGraph
    private let settings: ModernBertSettings

    private var graph: any GraphOperations { parts.graph }
    private var configuration: ModelConfiguration { parts.configuration }

    /// What all layers' scores need of positions.
    private struct Positions {
        /// The masks of layers by the window of their attention; 0 for all tokens.
        var masks: [Int: GraphValue]
        /// Cosines and sines, (L, D) each, by the base of the frequencies.
        var rotations: [Double: (cosine: GraphValue, sine: GraphValue)]
    }

    /// - Throws: `ArchitectureError` for fields that are not supported.
    init(_ parts: ModelGraph) throws {
        settings = try ModernBertSettings(parts.configuration)
        var parts = parts
        parts.normsHaveBias = settings.normBias
        self.parts = parts
    }

    /// Adds everything.
    func build() throws {
        let ids = graph.tokens("input_ids")
        let mask = graph.tokens("attention_mask")
        let tables = parts.layout.embeddings
        var hidden = try parts.norm(
            try parts.rows(tables.word, .at(ids), configuration.vocabSize, parts.width), tables.norm)
        let positions = positions(ids, mask)
        let layers = configuration.numHiddenLayers
        let needsFirstOnly =
            parts.readsFirstTokens && (configuration.embedding != nil || settings.pooling == .firstToken)
        for index in 0..<layers {
            hidden = try layer(
                index, hidden, positions, firstOnly: index == layers - 1 && needsFirstOnly)
        }
        hidden = try parts.norm(hidden, ModernBertNames.finalNorm)
        if let embedding = configuration.embedding { return try parts.embed(hidden, mask, embedding) }
        if configuration.headKind.hasRowForEachToken {
            let logits = try parts.classified(hidden, settings.classifierActivation)
            return graph.output(logits, in: parts.model.head.classifier, of: parts.model)
        }
        let pooled = try settings.pooling == .mean ? parts.pooled(hidden, mask, .mean) : hidden
        try parts.sequenceHead(pooled, settings.classifierActivation)
    }

    /// Adds masks and rotations for all windows and bases of the layers.
    private func positions(_ ids: GraphValue, _ mask: GraphValue) -> Positions {
        let padding = parts.additiveMask(mask)
        var made = Positions(masks: [0: padding], rotations: [:])
        let windows = Set(settings.windows.compactMap(\.self)).sorted()
        if !windows.isEmpty {
            let name = "window"
            let distances = graph.unary(.absolute, parts.distances(of: ids), in: name)
            for window in windows {
                let isInside = graph.compare(distances, .isAtMost(window), in: name)
                // Not their sum, which would be minus infinity.
                made.masks[window] = graph.binary(
                    .minimum, padding, graph.additive(isInside, in: name), in: name)
            }
        }
        let name = "rotary"
        let places = graph.insert(
            axes: [1], graph.convert(graph.positions(of: ids, in: name), .integers, to: .float32, in: name),
            in: name)
        let size = configuration.headSize
        let bases = Set(settings.windows.map { $0 == nil ? settings.globalTheta : settings.localTheta })
        for base in bases.sorted() {
            let rates = (0..<size / 2).map { 1 / powf(Float(base), Float(2 * $0) / Float(size)) }
            let angles = graph.binary(
                .multiply, places, graph.float32s(rates + rates, "rotary/\(base)"), in: name)
            made.rotations[base] = (
                graph.convert(graph.unary(.cosine, angles, in: name), .float32, to: .scores, in: name),
                graph.convert(graph.unary(.sine, angles, in: name), .float32, to: .scores, in: name)
            )
        }
        return made
    }

    /// Adds a layer: (B, L, H) → (B, M, H).
    private func layer(
        _ index: Int, _ x: GraphValue, _ positions: Positions, firstOnly: Bool
    ) throws -> GraphValue {
        typealias Names = ModernBertNames
        let name = parts.layout.layers(index)
        let (attention, feedForward) = ("\(name).attn", "\(name).mlp")
        // The first layer's input is normalized already.
        let normalised = index == 0 ? x : try parts.norm(x, "\(name).\(Names.attentionNorm)")
        let context = try self.attention(index, normalised, positions, firstOnly: firstOnly)
        let output = try parts.linear(context, "\(name).\(Names.attentionOutput)", parts.width, parts.width)
        let residual = firstOnly ? parts.firstToken(x, in: name) : x
        let attended = graph.binary(.add, residual, output, in: attention)

        let inner = configuration.intermediateSize
        let halves = try parts.linear(
            try parts.norm(attended, "\(name).\(Names.feedForwardNorm)"), "\(name).\(Names.input)", 2 * inner,
            parts.width)
        let active = graph.activation(
            configuration.hiddenAct, graph.slice(halves, axis: 2, from: 0, to: inner, in: feedForward),
            in: feedForward)
        let gate = graph.slice(halves, axis: 2, from: inner, to: 2 * inner, in: feedForward)
        let gated = graph.binary(.multiply, active, gate, in: feedForward)
        return graph.binary(
            .add, attended, try parts.linear(gated, "\(name).\(Names.output)", parts.width, inner),
            in: feedForward)
    }

    /// Adds attention up to its output projection: (B, L, H) → (B, M, H).
    private func attention(
        _ index: Int, _ x: GraphValue, _ positions: Positions, firstOnly: Bool
    ) throws -> GraphValue {
        let name = parts.layout.layers(index)
        let module = "\(name).attn"
        let width = parts.width
        let all = try parts.linear(x, "\(name).\(ModernBertNames.queryKeyValue)", 3 * width, width)
        func part(_ number: Int, _ order: [Int]) -> GraphValue {
            let taken = graph.slice(all, axis: 2, from: number * width, to: (number + 1) * width, in: module)
            return parts.heads(taken, order, in: module)
        }
        let window = settings.windows[index]
        let base = window == nil ? settings.globalTheta : settings.localTheta
        func first(_ x: GraphValue) -> GraphValue {
            firstOnly ? graph.slice(x, axis: 2, from: 0, to: 1, in: module) : x
        }
        // The first token's position is 0, where nothing is rotated.
        let query = part(0, [0, 2, 1, 3])
        let q = firstOnly ? first(query) : rotated(query, positions.rotations[base], in: module)
        let k = graph.transpose(
            rotated(part(1, [0, 2, 1, 3]), positions.rotations[base], in: module), [0, 1, 3, 2], in: module)
        let factor = graph.scalar(1 / Float(configuration.headSize).squareRoot(), "attention_scale")
        let scores = graph.binary(.multiply, graph.matmul(q, k, in: module), factor, in: module)
        guard let mask = positions.masks[window ?? 0] ?? positions.masks[0] else { return q }
        return parts.attended(
            graph.convert(scores, .floats, to: .scores, in: module), window == nil ? mask : first(mask),
            part(2, [0, 2, 1, 3]), in: module)
    }

    /// Adds the rotation of pairs of dimensions (Su et al., "RoFormer", arXiv 2104.09864): (B, N, L, D).
    private func rotated(
        _ x: GraphValue, _ table: (cosine: GraphValue, sine: GraphValue)?, in module: String
    ) -> GraphValue {
        guard let table else { return x }
        let (size, half) = (configuration.headSize, configuration.headSize / 2)
        let wide = graph.convert(x, .floats, to: .scores, in: module)
        let turned = graph.joined(
            [
                graph.unary(
                    .negative, graph.slice(wide, axis: 3, from: half, to: size, in: module), in: module),
                graph.slice(wide, axis: 3, from: 0, to: half, in: module),
            ], in: module)
        let sum = graph.binary(
            .add, graph.binary(.multiply, wide, table.cosine, in: module),
            graph.binary(.multiply, turned, table.sine, in: module), in: module)
        return graph.convert(sum, .scores, to: .floats, in: module)
    }
}
