import Torch

/// What a pruned model keeps of an original: indices along its axes, in the original's order.
public struct PrunedSelection: Sendable, Equatable {
    public let shape: ModelShape
    /// The layers that are kept, ascending.
    public let layers: [Int]
    /// The hidden dimensions; all where that size is the original's.
    public let hidden: [Int]
    /// For each kept layer, the heads of queries; those that a head of keys and values serves follow one another.
    public let heads: [[Int]]
    /// For each kept layer, the heads of keys and values.
    public let keyValueHeads: [[Int]]
    /// For each kept layer, the neurons.
    public let neurons: [[Int]]
    /// The kept indices along each axis of the original; an axis without an entry is kept whole.
    let places: [ParameterAxis: [Int]]

    /// Chooses the most important parts.
    ///
    /// - Parameters:
    ///   - importance: The importance of the original's parts.
    ///   - original: The original's configuration.
    ///   - shape: The sizes to cut to: `PrunedSizes.shape(of:)`.
    ///   - layers: The layers that are kept, ascending.
    /// - Throws: ``TransformersError`` where the importance is not finite, or the layers are not as many as the shape says.
    public init(
        _ importance: PruningImportance, of original: ModelConfiguration, to shape: ModelShape, layers: [Int]
    ) throws {
        let own = original.shape
        guard layers.count == shape.layers, layers == Array(Set(layers)).sorted(),
            layers.allSatisfy((0..<own.layers).contains)
        else {
            throw TransformersError(
                "a pruned model of \(shape.layers) layers keeps as many of the original's \(own.layers), each once and in order, not "
                    + "\(layers)")
        }
        var places: [ParameterAxis: [Int]] = [:]
        var (heads, groups, neurons) = ([[Int]](), [[Int]](), [[Int]]())
        if shape.hiddenSize < own.hiddenSize {
            let chosen = try largest(shape.hiddenSize, of: importance.hidden)
            places[.hidden] = chosen
            if let pooled = importance.pooled {
                places[.pooled] = try largest(shape.hiddenSize, of: pooled)
            }
            hidden = chosen
        } else {
            hidden = Array(0..<own.hiddenSize)
        }
        for layer in layers {
            if shape.intermediateSize < own.intermediateSize {
                let chosen = try largest(shape.intermediateSize, of: importance.neurons[layer])
                places[.neurons(layer: layer)] = chosen
                neurons.append(chosen)
            } else {
                neurons.append(Array(0..<own.intermediateSize))
            }
            let chosen = try Self.heads(importance, layer, own, shape)
            heads.append(chosen.heads)
            groups.append(chosen.groups)
            if shape.attentionHeads < own.attentionHeads {
                let size = original.headSize
                func dimensions(_ heads: [Int]) -> [Int] { heads.flatMap { $0 * size..<($0 + 1) * size } }
                let queries = dimensions(chosen.heads)
                for axis in [
                    ParameterAxis.queries(layer: layer), .scores(layer: layer), .values(layer: layer),
                ] {
                    places[axis] = queries
                }
                places[.keyValues(layer: layer)] = dimensions(chosen.groups)
                let width = own.attentionHeads * size
                places[.fusedHeads(layer: layer)] = (0..<3).flatMap { part in
                    queries.map { part * width + $0 }
                }
            }
        }
        (self.shape, self.layers, self.places) = (shape, layers, places)
        (self.heads, keyValueHeads, self.neurons) = (heads, groups, neurons)
    }

    /// The heads of a layer: the groups whose best heads add most, and these heads of each.
    private static func heads(
        _ importance: PruningImportance, _ layer: Int, _ own: ModelShape, _ shape: ModelShape
    ) throws -> (heads: [Int], groups: [Int]) {
        guard shape.attentionHeads < own.attentionHeads else {
            return (Array(0..<own.attentionHeads), Array(0..<own.keyValueHeads))
        }
        let scores = importance.heads[layer]
        let served = own.attentionHeads / own.keyValueHeads
        let kept = shape.attentionHeads / shape.keyValueHeads
        let best = try (0..<own.keyValueHeads).map { group in
            try largest(kept, of: Array(scores[group * served..<(group + 1) * served])).map {
                group * served + $0
            }
        }
        // Squares add up: each head's is the mean square of what it adds.
        let sums = best.map { $0.reduce(0.0) { $0 + scores[$1] * scores[$1] } }
        let groups = try largest(shape.keyValueHeads, of: sums)
        return (groups.flatMap { best[$0] }, groups)
    }

    /// The kept indices along an axis, ascending; `nil` for all.
    func kept(_ axis: ParameterAxis) -> [Int]? { places[axis] }
}
