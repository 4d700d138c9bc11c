import Torch

/// The hidden dimensions, heads and neurons of a teacher that a narrower student keeps: the most important
/// ones, in the teacher's order. ``NarrowedTeacherSource`` defines the importance.
struct NarrowedSelection {
    /// The kept indices along each axis; an axis without an entry is kept whole.
    private var places: [ParameterAxis: [Int]] = [:]

    init(
        _ map: TeacherLayerMap, _ names: PostNormLayerNames, teacher: ModelConfiguration,
        student: ModelConfiguration
    ) throws {
        let layout = teacher.family.layout
        if student.hiddenSize < teacher.hiddenSize {
            places[.hidden] = try largest(
                student.hiddenSize, of: Self.hiddenScores(map, names, embeddingNorm: layout.embeddings.norm))
            let head = layout.head(teacher.headKind)
            if let dense = head.dense {
                let outputs = try map.tensor(dense + ".weight").norm(1)
                let readers = try map.tensor(head.classifier + ".weight").norm(0)
                places[.pooled] = try largest(
                    student.hiddenSize, of: (outputs * readers).array(of: Double.self))
            }
        }
        for layer in Set(map.layers) {
            if student.intermediateSize < teacher.intermediateSize {
                let inner = try map.tensor(names.intermediate + ".weight", inLayer: layer)
                let gains = try map.tensor(names.attentionNorm + ".weight", inLayer: layer)
                let output = try map.tensor(names.output + ".weight", inLayer: layer)
                places[.neurons(layer: layer)] = try largest(
                    student.intermediateSize,
                    of: ((inner * gains).norm(1) * output.norm(0)).array(of: Double.self))
            }
            if student.numAttentionHeads < teacher.numAttentionHeads || student.headSize < teacher.headSize {
                let attention = try AttentionScores(
                    map, names, layer: layer, headSize: teacher.headSize)
                let heads = try largest(student.numAttentionHeads, of: attention.heads)
                func places(_ scores: [Double]) throws -> [Int] {
                    try heads.flatMap { head in
                        let start = head * teacher.headSize
                        let own = Array(scores[start..<start + teacher.headSize])
                        return try largest(student.headSize, of: own).map { start + $0 }
                    }
                }
                self.places[.scores(layer: layer)] = try places(attention.scores)
                self.places[.values(layer: layer)] = try places(attention.values)
            }
        }
    }

    /// Returns the indices that are kept along an axis, ascending; `nil` for all.
    func kept(_ axis: ParameterAxis) -> [Int]? { places[axis] }

    private static func hiddenScores(
        _ map: TeacherLayerMap, _ names: PostNormLayerNames, embeddingNorm: String
    ) throws -> [Double] {
        var gains = [try map.tensor(embeddingNorm + ".weight")]
        for layer in map.layers {
            for name in [names.attentionNorm, names.outputNorm] {
                gains.append(try map.tensor(name + ".weight", inLayer: layer))
            }
        }
        var scores: [Double] = []
        for gain in gains {
            let squares = try gain.array(of: Double.self).map { $0 * $0 }
            let sum = squares.reduce(0, +)
            let shares = sum > 0 ? squares.map { $0 / sum } : squares
            scores = scores.isEmpty ? shares : zip(scores, shares).map { $0 + $1 }
        }
        return scores
    }
}

/// The importance of a layer's heads and of their dimensions.
private struct AttentionScores {
    let heads: [Double]
    let scores: [Double]
    let values: [Double]

    init(_ map: TeacherLayerMap, _ names: PostNormLayerNames, layer: Int, headSize: Int) throws {
        let query = try map.tensor(names.query + ".weight", inLayer: layer)
        let key = try map.tensor(names.key + ".weight", inLayer: layer)
        let value = try map.tensor(names.value + ".weight", inLayer: layer)
        let output = try map.tensor(names.attentionOutput + ".weight", inLayer: layer).transposed()
        scores = try (query.norm(1) * key.norm(1)).array()
        values = try (value.norm(1) * output.norm(1)).array()
        /// ‖AᵀB‖ for each head's rows A and B: the root of Σ AAᵀ ∘ BBᵀ, which is smaller.
        func norms(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            func squares(_ x: Tensor) throws -> Tensor {
                let split = try x.reshaped([-1, headSize, x.size(1)])
                return try split.matmul(split.transposed())
            }
            return try (squares(a) * squares(b)).sum(1, 2).clampedBelow(0).squareRoot()
        }
        heads = try (norms(query, key) * norms(value, output)).array()
    }
}

/// Returns the indices of the largest scores, ascending; ties are broken by the lower index.
func largest(_ count: Int, of scores: [Double]) throws -> [Int] {
    guard scores.allSatisfy(\.isFinite) else {
        throw TransformersError(
            "the teacher has weights that are not finite, so that none can be chosen; use another teacher, or "
                + "--init random")
    }
    let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    return order.prefix(count).sorted()
}
