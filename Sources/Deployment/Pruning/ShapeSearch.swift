import Distillation
import Transformers

/// A search for the shape of at most so many parameters whose outputs are the nearest to the original's before any training.
///
/// Sizes are varied one after another about the best shape so far: the number of layers, heads of keys and values, and the hidden
/// size; the feed-forward width is always what is left of the target. Each is a model that is made and compared.
struct ShapeSearch {
    let model: TransformerModel
    let target: Int
    /// Sizes that are kept to.
    let sizes: PrunedSizes
    /// Returns the distance and the agreement of a shape.
    let trial: (ModelShape) throws -> PruneReport.Trial

    /// The numbers of layers that are tried at first.
    static let depths = 6

    private var configuration: ModelConfiguration { model.configuration }
    private var own: ModelShape { configuration.shape }

    /// The fewest layers that the search tries: with them every other part is whole, or a half stays.
    var fewestLayers: Int {
        if let layers = sizes.layers { return layers }
        let needed = (1...own.layers).last { layers in
            var shape = own
            shape.layers = layers
            return shape.parameterCount(of: model) <= target
        }
        return max(1, needed ?? own.layers / 2)
    }

    /// Returns the shapes that were tried, the best first.
    ///
    /// - Throws: `DistillationError` where no shape is small enough.
    func run() throws -> [PruneReport.Trial] {
        var tried: [ModelShape: PruneReport.Trial] = [:]
        func attempt(_ shapes: [ModelShape?]) throws {
            for case let shape? in shapes where tried[shape] == nil { tried[shape] = try trial(shape) }
        }
        func best() -> ModelShape? { Self.sorted(tried).first?.shape }
        try attempt(depths(fewestLayers...own.layers, count: Self.depths).map { fitted(layers: $0) })
        if best() == nil { try attempt(narrowest()) }
        guard var found = best() else { throw impossible() }
        for groups in keyValueHeads() {
            try attempt([fitted(layers: found.layers, groups: groups, hidden: found.hiddenSize)])
        }
        found = best() ?? found
        for hidden in hiddenSizes() {
            try attempt([fitted(layers: found.layers, groups: groups(of: found), hidden: hidden)])
        }
        found = best() ?? found
        let near = max(fewestLayers, found.layers - 2)...min(own.layers, found.layers + 2)
        try attempt(near.map { fitted(layers: $0, groups: groups(of: found), hidden: found.hiddenSize) })
        return Self.sorted(tried)
    }

    private static func sorted(_ tried: [ModelShape: PruneReport.Trial]) -> [PruneReport.Trial] {
        tried.values.sorted {
            ($0.distance, -$0.parameters, $0.shape.layers) < ($1.distance, -$1.parameters, $1.shape.layers)
        }
    }

    private func depths(_ range: ClosedRange<Int>, count: Int) -> [Int] {
        if let layers = sizes.layers { return [layers] }
        guard range.count > count else { return Array(range) }
        return (0..<count).map { range.lowerBound + $0 * (range.count - 1) / (count - 1) }
    }

    /// The heads of keys and values of a shape where they can be fewer; `nil` where heads follow from the hidden size.
    private func groups(of shape: ModelShape) -> Int? {
        configuration.namesHeadSize ? shape.keyValueHeads : nil
    }

    private func keyValueHeads() -> [Int] {
        guard configuration.namesHeadSize, sizes.keyValueHeads == nil, sizes.attentionHeads == nil else {
            return []
        }
        let all = own.keyValueHeads
        return Array(Set([all - 1, all * 3 / 4, all / 2])).filter { $0 > 0 && $0 < all }.sorted(by: >)
    }

    private func hiddenSizes() -> [Int] {
        guard sizes.hiddenSize == nil, configuration.family.hasAllAxes, configuration.embedding == nil else {
            return []
        }
        let unit = configuration.namesHeadSize ? 32 : configuration.headSize
        let all = own.hiddenSize
        return Array(Set([all * 7 / 8, all * 3 / 4].map { $0 / unit * unit })).filter { $0 > 0 && $0 < all }
            .sorted(by: >)
    }

    /// Shapes for targets that no number of layers reaches by itself.
    private func narrowest() -> [ModelShape?] {
        let groups = keyValueHeads().last
        return ([own.hiddenSize] + hiddenSizes()).flatMap { hidden in
            depths(fewestLayers...own.layers, count: Self.depths).map {
                fitted(layers: $0, groups: groups, hidden: hidden)
            }
        }
    }

    /// Returns the shape of these sizes with the widest feed-forward networks that the target allows; `nil` where even a quarter
    /// of theirs is too much.
    private func fitted(layers: Int, groups: Int? = nil, hidden: Int? = nil) -> ModelShape? {
        var wanted = sizes
        wanted.layers = layers
        wanted.keyValueHeads = sizes.keyValueHeads ?? groups
        wanted.hiddenSize = sizes.hiddenSize ?? hidden
        guard var shape = try? wanted.shape(of: configuration) else { return nil }
        func fits(_ width: Int) -> Bool {
            var other = shape
            other.intermediateSize = width
            return other.parameterCount(of: model) <= target
        }
        guard sizes.intermediateSize == nil, configuration.family.axes(layer: 0) != nil else {
            return fits(shape.intermediateSize) ? shape : nil
        }
        if fits(own.intermediateSize) { return shape }
        let unit = own.intermediateSize >= 512 ? 32 : own.intermediateSize >= 64 ? 8 : 1
        let (least, most) = (own.intermediateSize / 4 / unit, (own.intermediateSize - 1) / unit)
        guard most >= max(1, least), fits(max(1, least) * unit) else { return nil }
        var (low, high) = (max(1, least), most)
        while low < high {
            let middle = (low + high + 1) / 2
            if fits(middle * unit) { low = middle } else { high = middle - 1 }
        }
        shape.intermediateSize = low * unit
        return shape
    }

    private func impossible() -> DistillationError {
        DistillationError(
            "--target-parameters: no part of \(configuration.source) that is tried has at most \(target) parameters (all have "
                + "\(own.parameterCount(of: model)), of which the embeddings stay whole); allow more")
    }
}
