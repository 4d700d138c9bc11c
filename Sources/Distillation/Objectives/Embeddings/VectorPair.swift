import Torch
import Transformers

/// A student's and its teacher's vectors of texts, as objectives on them compare them: cut to some of their first components where
/// these are to be of use by themselves (Kusupati et al., "Matryoshka Representation Learning", arXiv 2205.13147), and led to the
/// teacher's width by a learned matrix where the student's is another.
struct VectorPair {
    static let dimensions = ObjectiveOption(
        "dimensions", default: "all",
        "the loss is the sum of those on so many first components: a list like 384,128,64, or all")
    static let options = [dimensions, LearnedProjection.option]

    private let widths: [Int]?
    private let choice: LearnedProjection
    private var projection: Linear?

    init(_ options: ObjectiveOptions) throws {
        let text = try options.text("dimensions")
        if text == "all" {
            widths = nil
        } else {
            let widths = ObjectiveOptions.list(text).map { Int($0) ?? 0 }
            guard !widths.isEmpty, widths.allSatisfy({ $0 > 0 }), Set(widths).count == widths.count else {
                throw options.wrong("dimensions", "must be all, or a list of different numbers above 0", text)
            }
            self.widths = widths
        }
        choice = try options.choice("projection")
    }

    /// - Throws: ``DistillationError`` for models that give no vectors, or have fewer components than are asked for.
    mutating func prepare(_ models: ObjectiveModels, objective: String) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: objective)
        try models.requireVectors(for: objective)
        guard !models.groups.teacherScoresPairs else {
            throw DistillationError(
                "\(objective) compares texts' vectors, but the teacher gives scores of queries with documents; use margin_mse, list_kl or "
                    + "score_mse(similarity = cos)")
        }
        let student = models.student.outputCount
        let teacher = models.teacherWidth
        if let largest = widths?.max(), largest > min(student, teacher) {
            throw DistillationError(
                "\(objective): dimensions has \(largest), but the vectors have \(min(student, teacher)) components; leave larger ones "
                    + "out")
        }
        projection = nil
        if try choice.isNeeded(student: student, teacher: teacher, objective: objective) {
            guard widths == nil else {
                throw DistillationError(
                    "\(objective): dimensions are for a student with the teacher's width (\(teacher)), but it has \(student); give it "
                        + "that width with --embedding-size \(teacher)")
            }
            projection = try Linear(
                models.learned.unused(objective)["projection"], inputs: student, outputs: teacher,
                bias: false,
                initializer: .normal(standardDeviation: models.student.initializerRange))
        }
        return ObjectiveNeeds(teacherLogits: true)
    }

    /// The sum of a loss over the widths: (B, d) of both models; the teacher's is detached.
    func sum(
        _ batch: ObjectiveBatch, isComparison: Bool = false,
        _ loss: (_ student: Tensor, _ teacher: Tensor) throws -> Tensor
    ) throws -> Tensor {
        var student = batch.student.logits
        var teacher = try batch.teacherLogits.detached()
        if let projection { student = try projection(student) }
        if isComparison {
            (student, teacher) = (try batch.allExamples(student), try batch.allExamples(teacher))
        }
        let width = try student.size(1)
        var total: Tensor?
        for own in widths ?? [width] {
            let part =
                own == width
                ? try loss(student, teacher)
                : try loss(
                    student.narrowed(dimension: 1, start: 0, length: own).normalized(),
                    teacher.narrowed(dimension: 1, start: 0, length: own))
            total = try total.map { try $0 + part } ?? part
        }
        guard let total else { throw DistillationError("there are no widths to compare") }
        return total
    }
}

extension ObjectiveModels {
    /// - Throws: ``DistillationError`` where the models give no vectors of texts.
    func requireVectors(for objective: String) throws {
        guard problemType.definition.embedsTexts else {
            throw refusal(
                of: objective,
                "it compares texts' vectors, of models for embeddings; use \(problemType.definition.softObjective)"
            )
        }
    }
}
