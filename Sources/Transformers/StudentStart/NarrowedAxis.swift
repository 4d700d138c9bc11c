/// What the places along one dimension of a teacher's parameter are, of which a narrower student keeps some.
enum NarrowedAxis: Hashable {
    /// Vocabulary, positions, token types: all are kept.
    case whole
    /// Labels: all are kept.
    case labels
    /// Dimensions of the residual stream, the same in all layers.
    case hidden
    /// The outputs of the head's dense layer.
    case pooled
    /// Dimensions of queries and keys, head by head.
    case scores(layer: Int)
    /// Dimensions of values, head by head.
    case values(layer: Int)
    /// Neurons of a feed-forward network.
    case neurons(layer: Int)

    /// Whether a matrix is scaled for what it no longer reads: its columns are of the residual stream or the pooler.
    ///
    /// Tables of embeddings have such columns too, but write them.
    static func isScaled(_ axes: [NarrowedAxis]) -> Bool {
        axes != [.whole, .hidden] && (axes.last == .hidden || axes.last == .pooled)
    }

    /// What each dimension of a parameter is.
    static func axes(of origin: TeacherLayerMap.Origin, _ map: NarrowingMap, _ head: HeadNames) throws
        -> [NarrowedAxis]
    {
        let axes =
            origin.place.map { inLayer($0.layer, map.layer)[$0.name] }
            ?? outside(map, head)[origin.name]
        guard let axes, axes.count == origin.tensor.rank else {
            throw TransformersError(
                "--init narrowed-teacher does not know what the teacher's '\(origin.name)' "
                    + "\(origin.tensor.shape) is; use --init random")
        }
        return axes
    }

    private static func outside(_ map: NarrowingMap, _ head: HeadNames) -> [String: [NarrowedAxis]] {
        var axes = map.tables
        if let norm = map.embeddingNorm {
            axes[norm + ".weight"] = [.hidden]
            axes[norm + ".bias"] = [.hidden]
        }
        if let dense = head.dense {
            axes[dense + ".weight"] = [.pooled, .hidden]
            axes[dense + ".bias"] = [.pooled]
        }
        axes[head.classifier + ".weight"] = [.labels, head.dense == nil ? .hidden : .pooled]
        axes[head.classifier + ".bias"] = [.labels]
        return axes
    }

    private static func inLayer(_ layer: Int, _ names: LayerNames) -> [String: [NarrowedAxis]] {
        let (scores, values) = (NarrowedAxis.scores(layer: layer), NarrowedAxis.values(layer: layer))
        let neurons = NarrowedAxis.neurons(layer: layer)
        var axes: [String: [NarrowedAxis]] = [:]
        for (name, weight) in [
            (names.query, [scores, .hidden]), (names.key, [scores, .hidden]),
            (names.value, [values, .hidden]),
            (names.attentionOutput, [.hidden, values]), (names.intermediate, [neurons, .hidden]),
            (names.output, [.hidden, neurons]),
        ] {
            axes[name + ".weight"] = weight
            axes[name + ".bias"] = [weight[0]]
        }
        for norm in [names.attentionNorm, names.outputNorm] {
            axes[norm + ".weight"] = [.hidden]
            axes[norm + ".bias"] = [.hidden]
        }
        return axes
    }
}
