import Torch
import Transformers

/// Contrastive loss: the example's own among the batch's teacher vectors, by the cosines divided by a temperature
/// (InfoNCE; van den Oord et al., arXiv 1807.03748, equation 4; between teacher and student as Tian et al., "CRD",
/// arXiv 1910.10699, with the batch for negatives). Mean of both directions where `symmetric`, as CLIP
/// (arXiv 2103.00020, figure 3), else of the student's alone.
///
/// Where widths differ, a learned matrix on either side leads to a common dimension.
final class InfoNCEObjective: StandardObjective {
    static let options = [
        ObjectiveOption("temperature", default: "0.07", "divides the cosines; a schedule"),
        ExampleFeature.option, LearnedProjection.option,
        ObjectiveOption("dimension", default: "128", "the width that learned matrices lead to"),
        ObjectiveOption(
            "symmetric", default: "true", "whether the teacher's vectors look for the student's too"),
    ]

    let name: String
    let unit = LossUnit.comparisons
    private let temperature: Schedule
    private let feature: ExampleFeature
    private let projection: LearnedProjection
    private let dimension: Int
    private let isSymmetric: Bool
    private var needs: ObjectiveNeeds?
    private var projections: (student: Linear, teacher: Linear)?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.temperature()
        feature = try options.choice("feature")
        projection = try options.choice("projection")
        dimension = try options.integer("dimension", "of at least 1") { $0 > 0 }
        isSymmetric = try options.flag("symmetric")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireBatch(of: 2, for: name)
        let needs = try feature.needs(models, objective: name)
        self.needs = needs
        let outputs = models.student.outputCount
        let student = feature == .logits ? outputs : models.student.hiddenSize
        let teacher =
            feature == .logits
            ? models.teacherWidth : models.teacher?.hiddenSize ?? student
        if try projection.isNeeded(student: student, teacher: teacher, objective: name) {
            let scope = models.learned.unused(name)
            let initializer = ParameterInitializer.normal(standardDeviation: models.student.initializerRange)
            projections = (
                try Linear(
                    scope["student"], inputs: student, outputs: dimension, bias: false,
                    initializer: initializer),
                try Linear(
                    scope["teacher"], inputs: teacher, outputs: dimension, bias: false,
                    initializer: initializer)
            )
        } else {
            projections = nil
        }
        return needs
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        var (student, teacher) = try feature.values(batch, prepared(needs, name))
        if let projections {
            (student, teacher) = (try projections.student(student), try projections.teacher(teacher))
        }
        (student, teacher) = (try batch.allExamples(student), try batch.allExamples(teacher))
        let cosines = try student.normalized().matmul(teacher.normalized().transposed())
        let scores = try cosines / temperature.value(at: batch.progress)
        let own = try Tensor.arange(student.size(0), device: scores.device)
        let forward = try scores.crossEntropy(own)
        guard isSymmetric else { return forward }
        return try (forward + scores.transposed().crossEntropy(own)) * 0.5
    }
}
