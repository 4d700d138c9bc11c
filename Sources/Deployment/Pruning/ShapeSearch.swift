import Distillation
import Transformers

/// A search for the shape within a budget whose outputs are the nearest to the original's before any training.
///
/// Sizes are varied one after another about the best shape so far: the number of layers, heads of keys and values, and the hidden
/// size; the feed-forward width is always what is left of the budget. Each is a model that is made and compared.
struct ShapeSearch {
    let model: TransformerModel
    let budget: any ShapeBudget
    /// Sizes that are kept to.
    let sizes: PrunedSizes
    /// Returns the distance and the agreement of a shape.
    let trial: (ModelShape) throws -> PruneReport.Trial

    /// The numbers of layers that are tried at first.
    static let depths = 6

    private var configuration: ModelConfiguration { model.configuration }
    private var own: ModelShape { configuration.shape }

    /// The fewest layers that the search tries: with them every other part is whole, or a half stays.
    func fewestLayers() throws -> Int {
        if let layers = sizes.layers { return layers }
        var shape = own
        let needed = try Self.largest(in: 1...own.layers) {
            shape.layers = $0
            return try budget.holds(shape)
        }
        return max(1, needed ?? own.layers / 2)
    }

    /// The largest of some numbers that has a property, which those below it have too; `nil` where none has.
    private static func largest(
        in range: ClosedRange<Int>, where holds: (Int) throws -> Bool
    ) rethrows -> Int? {
        guard try holds(range.lowerBound) else { return nil }
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high + 1) / 2
            if try holds(middle) { low = middle } else { high = middle - 1 }
        }
        return low
    }

    /// Returns the shapes that were tried and hold to the budget, the best first.
    ///
    /// - Parameter known: What a search for a larger budget tried; of these, those that hold to this one are not tried again.
    /// - Returns: None where no shape is small enough.
    func run(known: [PruneReport.Trial] = []) throws -> [PruneReport.Trial] {
        var tried: [ModelShape: PruneReport.Trial] = [:]
        let held = try known.filter { try budget.holds($0.shape) }
        for earlier in held { tried[earlier.shape] = earlier }
        func attempt(_ shapes: [ModelShape?]) throws {
            for case let shape? in shapes where tried[shape] == nil { tried[shape] = try trial(shape) }
        }
        func best() -> ModelShape? { Self.sorted(tried).first?.shape }
        let fewest = try fewestLayers()
        try attempt(depths(fewest...own.layers, count: Self.depths).map { try fitted(layers: $0) })
        if best() == nil { try attempt(narrowest(fewest)) }
        guard var found = best() else { return [] }
        for groups in keyValueHeads() {
            try attempt([try fitted(layers: found.layers, groups: groups, hidden: found.hiddenSize)])
        }
        found = best() ?? found
        for hidden in hiddenSizes() {
            try attempt([try fitted(layers: found.layers, groups: groups(of: found), hidden: hidden)])
        }
        found = best() ?? found
        guard sizes.layers == nil else { return Self.sorted(tried) }
        let near = max(fewest, found.layers - 2)...min(own.layers, found.layers + 2)
        try attempt(near.map { try fitted(layers: $0, groups: groups(of: found), hidden: found.hiddenSize) })
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
    private func narrowest(_ fewest: Int) throws -> [ModelShape?] {
        let groups = keyValueHeads().last
        return try ([own.hiddenSize] + hiddenSizes()).flatMap { hidden in
            try depths(fewest...own.layers, count: Self.depths).map {
                try fitted(layers: $0, groups: groups, hidden: hidden)
            }
        }
    }

    /// Returns the shape of these sizes with the widest feed-forward networks that the budget allows; `nil` where even a quarter
    /// of theirs is too much.
    private func fitted(layers: Int, groups: Int? = nil, hidden: Int? = nil) throws -> ModelShape? {
        var wanted = sizes
        wanted.layers = layers
        wanted.keyValueHeads = sizes.keyValueHeads ?? groups
        wanted.hiddenSize = sizes.hiddenSize ?? hidden
        guard var shape = try? wanted.shape(of: configuration) else { return nil }
        func fits(_ width: Int) throws -> Bool {
            var other = shape
            other.intermediateSize = width
            return try budget.holds(other)
        }
        guard sizes.intermediateSize == nil, configuration.family.axes(layer: 0) != nil else {
            return try fits(shape.intermediateSize) ? shape : nil
        }
        if try fits(own.intermediateSize) { return shape }
        let unit = own.intermediateSize >= 512 ? 32 : own.intermediateSize >= 64 ? 8 : 1
        let (least, most) = (max(1, own.intermediateSize / 4 / unit), (own.intermediateSize - 1) / unit)
        guard most >= least,
            let width = try Self.largest(in: least...most, where: { try fits($0 * unit) })
        else { return nil }
        shape.intermediateSize = width * unit
        return shape
    }
}
