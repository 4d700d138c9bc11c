/// The axis of a model that one dimension of a parameter runs along.
package enum ParameterAxis: Hashable, Sendable {
    /// Rows of a table: the vocabulary, positions, token types.
    case rows
    /// Labels.
    case labels
    /// Dimensions of the residual stream, the same in all layers.
    case hidden
    /// The outputs of the head's dense layer.
    case pooled
    /// Dimensions of queries and keys, head by head.
    case scores(layer: Int)
    /// Dimensions of values, head by head.
    case values(layer: Int)
    /// Dimensions of a decoder's queries and of what its heads give, head by head.
    case queries(layer: Int)
    /// Dimensions of a decoder's keys and values, head by head.
    case keyValues(layer: Int)
    /// Dimensions of queries, keys and values, one after another, each head by head.
    case fusedHeads(layer: Int)
    /// Neurons of a feed-forward network.
    case neurons(layer: Int)
}

extension ParameterLayout {
    /// Returns the axis of each dimension of the parameters outside the layers, by the parameter's name.
    ///
    /// - Parameter head: The names of the model's head.
    package func axes(_ head: HeadNames) -> [String: [ParameterAxis]] {
        var axes: [String: [ParameterAxis]] = [:]
        for table in [embeddings.word, embeddings.position, embeddings.tokenType].compactMap(\.self) {
            axes[table + ".weight"] = [.rows, .hidden]
        }
        axes[embeddings.norm + ".weight"] = [.hidden]
        axes[embeddings.norm + ".bias"] = [.hidden]
        if let dense = head.dense {
            axes[dense + ".weight"] = [.pooled, .hidden]
            axes[dense + ".bias"] = [.pooled]
        }
        axes[head.classifier + ".weight"] = [.labels, head.dense == nil ? .hidden : .pooled]
        axes[head.classifier + ".bias"] = [.labels]
        return axes
    }
}

extension PostNormLayerNames {
    /// Returns the axis of each dimension of a layer's parameters, by the name after the layer's path.
    ///
    /// - Parameter layer: The layer's index.
    package func axes(layer: Int) -> [String: [ParameterAxis]] {
        let (scores, values) = (ParameterAxis.scores(layer: layer), ParameterAxis.values(layer: layer))
        let neurons = ParameterAxis.neurons(layer: layer)
        var axes: [String: [ParameterAxis]] = [:]
        for (name, weight) in [
            (query, [scores, .hidden]), (key, [scores, .hidden]), (value, [values, .hidden]),
            (attentionOutput, [.hidden, values]), (intermediate, [neurons, .hidden]),
            (output, [.hidden, neurons]),
        ] {
            axes[name + ".weight"] = weight
            axes[name + ".bias"] = [weight[0]]
        }
        for norm in [attentionNorm, outputNorm] {
            axes[norm + ".weight"] = [.hidden]
            axes[norm + ".bias"] = [.hidden]
        }
        return axes
    }
}
