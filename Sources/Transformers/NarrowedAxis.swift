/// What the places along one dimension of a teacher's parameter are, of which a narrower student keeps some.
enum NarrowedAxis: Hashable {
    /// Vocabulary, positions, token types, labels: all are kept.
    case whole
    /// Dimensions of the residual stream, the same in all layers.
    case hidden
    /// The pooler's outputs.
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
    static func axes(of origin: TeacherLayerMap.Origin) throws -> [NarrowedAxis] {
        let axes = origin.place.map { inLayer($0.layer)[$0.name] } ?? outside[origin.name]
        guard let axes, axes.count == origin.tensor.rank else {
            throw TransformersError(
                "--init narrowed-teacher does not know what the teacher's '\(origin.name)' "
                    + "\(origin.tensor.shape) is; use --init random")
        }
        return axes
    }

    private static let outside: [String: [NarrowedAxis]] = [
        "bert.embeddings.word_embeddings.weight": [.whole, .hidden],
        "bert.embeddings.position_embeddings.weight": [.whole, .hidden],
        "bert.embeddings.token_type_embeddings.weight": [.whole, .hidden],
        "bert.embeddings.LayerNorm.weight": [.hidden],
        "bert.embeddings.LayerNorm.bias": [.hidden],
        "bert.pooler.dense.weight": [.pooled, .hidden],
        "bert.pooler.dense.bias": [.pooled],
        "classifier.weight": [.whole, .pooled],
        "classifier.bias": [.whole],
    ]

    private static func inLayer(_ layer: Int) -> [String: [NarrowedAxis]] {
        let (scores, values) = (NarrowedAxis.scores(layer: layer), NarrowedAxis.values(layer: layer))
        let neurons = NarrowedAxis.neurons(layer: layer)
        return [
            "attention.self.query.weight": [scores, .hidden],
            "attention.self.query.bias": [scores],
            "attention.self.key.weight": [scores, .hidden],
            "attention.self.key.bias": [scores],
            "attention.self.value.weight": [values, .hidden],
            "attention.self.value.bias": [values],
            "attention.output.dense.weight": [.hidden, values],
            "attention.output.dense.bias": [.hidden],
            "attention.output.LayerNorm.weight": [.hidden],
            "attention.output.LayerNorm.bias": [.hidden],
            "intermediate.dense.weight": [neurons, .hidden],
            "intermediate.dense.bias": [neurons],
            "output.dense.weight": [.hidden, neurons],
            "output.dense.bias": [.hidden],
            "output.LayerNorm.weight": [.hidden],
            "output.LayerNorm.bias": [.hidden],
        ]
    }
}
