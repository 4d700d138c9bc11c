import Torch
import Transformers

/// Pairs of attention layers of the two models.
struct AttentionComparison {
    static let options = [LayerMap.option(default: "uniform", .layers), HeadMatching.option]

    private let layers: LayerMap
    let matching: HeadMatching
    private var pairs: [LayerMap.Pair] = []

    init(_ options: ObjectiveOptions) throws {
        layers = try LayerMap(options)
        matching = try options.choice("heads")
    }

    mutating func prepare(_ models: ObjectiveModels, objective: String) throws -> ObjectiveNeeds {
        let teacher = try models.alignedTeacher(for: objective)
        try matching.check(models.student, teacher, objective: objective)
        pairs = try layers.pairs(
            studentLayers: models.student.numHiddenLayers, teacherLayers: teacher.numHiddenLayers,
            counting: .layers, objective: objective)
        return ObjectiveNeeds(
            studentProjections: Set(pairs.map(\.student)), teacherProjections: Set(pairs.map(\.teacher)))
    }

    /// The mean over the pairs of a loss of attention scores (B, heads, L, L).
    ///
    /// - Parameters:
    ///   - batch: What the two models put out.
    ///   - objective: The name, for messages.
    ///   - loss: A scalar of both sides' scores; the teacher's are detached.
    func mean(
        _ batch: ObjectiveBatch, objective: String,
        of loss: (PackedAttention, _ student: Tensor, _ teacher: Tensor) throws -> Tensor
    ) throws -> Tensor {
        guard !pairs.isEmpty else {
            throw DistillationError("\(objective): call prepare(_:) before loss(_:)")
        }
        let attention = try PackedAttention(offsets: batch.offsets, device: batch.student.logits.device)
        let losses = try pairs.map { pair in
            let student = try batch.student.projections(ofLayer: pair.student)
            let teacher = try batch.teacherFeatures.projections(ofLayer: pair.teacher)
            let target = try withNoGrad {
                try attention.scores(teacher.query, teacher.key, heads: teacher.heads)
            }
            return try loss(
                attention, attention.scores(student.query, student.key, heads: student.heads), target)
        }
        return try Tensor.stacked(losses).mean()
    }
}
