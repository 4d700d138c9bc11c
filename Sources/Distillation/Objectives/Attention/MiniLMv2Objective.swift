import Torch
import Transformers

/// MiniLMv2 (Wang et al., arXiv 2012.15828, section 3): the KL divergence of the relations
/// softmax(A · Aᵀ / √d) among a layer's queries, keys and values, split into relation heads of their own; each the mean
/// over relation heads and tokens, then summed by their weights. Neither heads nor widths need be equal.
///
/// In a decoder a token relates to itself and to those before it. Its queries and keys are those before the heads' normalization and
/// rotation, and keys and values that heads share count once for each head.
final class MiniLMv2Objective: StandardObjective, TokenObjective {
    static let options = [
        ObjectiveOption(
            "relation_heads", default: "auto",
            "relation heads; auto is 12, or where it does not divide both widths the largest number below that does"
        ),
        TeacherLayer.option,
        ObjectiveOption("query_weight", default: "1", "the weight of the relations among queries"),
        ObjectiveOption("key_weight", default: "1", "the weight of the relations among keys"),
        ObjectiveOption("value_weight", default: "1", "the weight of the relations among values"),
    ]

    let name: String
    let unit = LossUnit.tokens
    private let relationHeads: Int?
    private let teacherLayer: Int
    private let weights: [(projection: KeyPath<AttentionProjections, Tensor>, weight: Double)]
    private var plan: (layers: LayerMap.Pair, heads: Int, isCausal: Bool)?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        relationHeads =
            try options.text("relation_heads") == "auto"
            ? nil : try options.integer("relation_heads", "of at least 1, or auto") { $0 > 0 }
        teacherLayer = try TeacherLayer.number(options)
        weights = [
            (\.query, try options.weight("query_weight")), (\.key, try options.weight("key_weight")),
            (\.value, try options.weight("value_weight")),
        ]
        guard weights.contains(where: { $0.weight > 0 }) else {
            throw DistillationError("objective \(name): all of its weights are 0; raise one")
        }
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let teacher = try models.alignedTeacher(for: name)
        let layers = LayerMap.Pair(
            student: models.student.numHiddenLayers - 1,
            teacher: try TeacherLayer.resolved(teacherLayer, teacher, objective: name))
        let isCausal = models.problemType.definition.predictsTokens
        plan = (layers, try heads(Self.width(models.student), Self.width(teacher)), isCausal)
        return ObjectiveNeeds(studentProjections: [layers.student], teacherProjections: [layers.teacher])
    }

    /// The width of a layer's queries.
    private static func width(_ configuration: ModelConfiguration) throws -> Int {
        guard configuration.isDecoder else { return configuration.hiddenSize }
        return try configuration.decoderSettings().headSize * configuration.numAttentionHeads
    }

    private func heads(_ student: Int, _ teacher: Int) throws -> Int {
        func fits(_ count: Int) -> Bool { student.isMultiple(of: count) && teacher.isMultiple(of: count) }
        guard let relationHeads else { return (1...12).last(where: fits) ?? 1 }
        guard fits(relationHeads) else {
            let (side, width) =
                student.isMultiple(of: relationHeads) ? ("teacher", teacher) : ("student", student)
            throw DistillationError(
                "\(name): relation_heads = \(relationHeads) does not divide the \(side)'s width \(width); choose a "
                    + "common divisor of \(student) and \(teacher), or auto")
        }
        return relationHeads
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let (layers, heads, isCausal) = try prepared(plan, name)
        let student = try batch.student.projections(ofLayer: layers.student)
        let teacher = try batch.teacherFeatures.projections(ofLayer: layers.teacher)
        let attention = try PackedAttention(
            offsets: batch.offsets, device: student.query.device, isCausal: isCausal)
        let losses = try weights.filter { $0.weight > 0 }.map { projection, weight in
            let (ours, theirs) = (student[keyPath: projection], teacher[keyPath: projection])
            return try attention.divergence(
                student: (ours, ours), teacher: (theirs, theirs), heads: heads) * weight
        }
        return try Tensor.stacked(losses).sum()
    }
}
