extension ModelFamily {
    /// Returns the axis of each dimension of a layer's parameters, by the name after the layer's path.
    ///
    /// Parameters that are not listed, such as the norms of heads, have no axis along which a model is cut.
    ///
    /// - Parameter layer: The layer's index.
    /// - Returns: `nil` for layers whose parts are not known, or that share their parameters.
    package func axes(layer: Int) -> [String: [ParameterAxis]]? {
        if let names = layout.layer { return layout.layers.areShared ? nil : names.axes(layer: layer) }
        guard isDecoder else { return nil }
        return modelType == Self.gpt2.modelType
            ? GPT2Names.axes(layer: layer) : DecoderNames.axes(layer: layer)
    }

    /// True if the axes of all parameters are known, so that the hidden size can be cut too.
    package var hasAllAxes: Bool { layout.hasAxes || isDecoder }
}

extension DecoderNames {
    /// Returns the axis of each dimension of a layer's parameters.
    static func axes(layer: Int) -> [String: [ParameterAxis]] {
        let (queries, keyValues) = (
            ParameterAxis.queries(layer: layer), ParameterAxis.keyValues(layer: layer)
        )
        let neurons = ParameterAxis.neurons(layer: layer)
        var axes: [String: [ParameterAxis]] = [:]
        for (name, weight) in [
            (query, [queries, .hidden]), (key, [keyValues, .hidden]), (value, [keyValues, .hidden]),
            (attentionOutput, [.hidden, queries]), (gate, [neurons, .hidden]), (up, [neurons, .hidden]),
            (down, [.hidden, neurons]),
        ] {
            axes[name + ".weight"] = weight
            axes[name + ".bias"] = [weight[0]]
        }
        for norm in [inputNorm, postAttentionNorm, feedForwardNorm, postFeedForwardNorm] {
            axes[norm + ".weight"] = [.hidden]
        }
        return axes
    }
}

extension GPT2Names {
    /// Returns the axis of each dimension of a layer's parameters, whose matrices are stored as (inputs, outputs).
    static func axes(layer: Int) -> [String: [ParameterAxis]] {
        let neurons = ParameterAxis.neurons(layer: layer)
        var axes: [String: [ParameterAxis]] = [:]
        for (name, weight) in [
            (queryKeyValue, [.hidden, .fusedHeads(layer: layer)]),
            (attentionOutput, [.queries(layer: layer), .hidden]), (inner, [.hidden, neurons]),
            (outer, [neurons, .hidden]),
        ] {
            axes[name + ".weight"] = weight
            axes[name + ".bias"] = [weight[1]]
        }
        for norm in [attentionNorm, feedForwardNorm] {
            axes[norm + ".weight"] = [.hidden]
            axes[norm + ".bias"] = [.hidden]
        }
        return axes
    }
}
