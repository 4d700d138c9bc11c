extension ModelShape {
    /// Returns the number of parameters of a model of this shape that is pruned from another.
    ///
    /// - Parameter model: The original.
    public func parameterCount(of model: TransformerModel) -> Int {
        let configuration = model.configuration
        let layout = configuration.family.layout
        let outside = layout.axes(layout.head(configuration.headKind))
        let inside = configuration.family.axes(layer: 0) ?? [:]
        let prefix = layout.layers.ownPrefix
        var count = 0
        for entry in model.parameters.entries where !entry.isAuxiliary {
            guard let prefix, entry.name.hasPrefix(prefix) else {
                count += self.count(entry.tensor.shape, outside[entry.name] ?? [], configuration)
                continue
            }
            let rest = entry.name.dropFirst(prefix.count)
            guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]), layer < layers else {
                continue
            }
            let name = String(rest[rest.index(after: dot)...])
            count += self.count(entry.tensor.shape, inside[name] ?? [], configuration)
        }
        return count
    }

    private func count(_ shape: [Int], _ axes: [ParameterAxis], _ original: ModelConfiguration) -> Int {
        shape.enumerated().reduce(1) { product, dimension in
            guard axes.indices.contains(dimension.offset) else { return product * dimension.element }
            return product * size(axes[dimension.offset], dimension.element, original.headSize)
        }
    }

    private func size(_ axis: ParameterAxis, _ own: Int, _ headSize: Int) -> Int {
        switch axis {
        case .rows, .labels: own
        case .hidden, .pooled: hiddenSize
        case .queries, .scores, .values: attentionHeads * headSize
        case .keyValues: keyValueHeads * headSize
        case .fusedHeads: 3 * attentionHeads * headSize
        case .neurons: intermediateSize
        }
    }
}
