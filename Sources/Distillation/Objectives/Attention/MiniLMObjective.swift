import Torch

/// MiniLM (Wang et al., arXiv 2002.10957, section 3): of the student's last layer and one of the teacher's, the KL
/// divergence of the attention probabilities, and of the value relations softmax(V · Vᵀ / √d); each the mean over heads
/// and tokens, then summed. Both models have the same number of heads; their widths may differ.
final class MiniLMObjective: StandardObjective {
    static let options = [
        TeacherLayer.option,
        ObjectiveOption("attention_weight", default: "1", "the weight of the attention probabilities"),
        ObjectiveOption("value_weight", default: "1", "the weight of the value relations"),
    ]

    let name: String
    let unit = LossUnit.tokens
    private let teacherLayer: Int
    private let attentionWeight: Double
    private let valueWeight: Double
    private var layers: LayerMap.Pair?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        teacherLayer = try TeacherLayer.number(options)
        attentionWeight = try options.weight("attention_weight")
        valueWeight = try options.weight("value_weight")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let teacher = try models.alignedTeacher(for: name)
        guard models.student.numAttentionHeads == teacher.numAttentionHeads else {
            throw DistillationError(
                "\(name): the student has \(models.student.numAttentionHeads) attention heads, the teacher "
                    + "\(teacher.numAttentionHeads); use minilm_v2, whose relation heads both models share")
        }
        let pair = LayerMap.Pair(
            student: models.student.numHiddenLayers - 1,
            teacher: try TeacherLayer.resolved(teacherLayer, teacher, objective: name))
        layers = pair
        return ObjectiveNeeds(studentProjections: [pair.student], teacherProjections: [pair.teacher])
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let layers = try prepared(layers, name)
        let student = try batch.student.projections(ofLayer: layers.student)
        let teacher = try batch.teacherFeatures.projections(ofLayer: layers.teacher)
        let attention = try PackedAttention(offsets: batch.offsets, device: student.query.device)
        let probabilities = try attention.divergence(
            student: (student.query, student.key), teacher: (teacher.query, teacher.key), heads: student.heads
        )
        let values = try attention.divergence(
            student: (student.value, student.value), teacher: (teacher.value, teacher.value),
            heads: student.heads)
        return try probabilities * attentionWeight + values * valueWeight
    }
}
