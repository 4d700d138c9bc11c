import Torch

/// The vectors of the examples that an objective relates to one another, in both models.
struct ExampleRelation {
    static let options = [ExampleFeature.option]

    private let feature: ExampleFeature
    private var needs: ObjectiveNeeds?

    init(_ options: ObjectiveOptions) throws { feature = try options.choice("feature") }

    /// - Parameters:
    ///   - models: The two models.
    ///   - objective: The name, for messages.
    ///   - least: The examples that a batch must have for there to be any relation.
    /// - Throws: ``DistillationError`` where a batch is smaller, or the teacher reads other tokens than the student.
    mutating func prepare(
        _ models: ObjectiveModels, objective: String, batchOf least: Int
    ) throws -> ObjectiveNeeds {
        try models.requireBatch(of: least, for: objective)
        let needs = try feature.needs(models, objective: objective)
        self.needs = needs
        return needs
    }

    /// (B, D) of both models; the teacher's is detached.
    func values(
        _ batch: ObjectiveBatch, objective: String
    ) throws -> (student: Tensor, teacher: Tensor) {
        guard let needs else {
            throw DistillationError("\(objective): call prepare(_:) before loss(_:)")
        }
        let own = try feature.values(batch, needs)
        return (try batch.allExamples(own.student), try batch.allExamples(own.teacher))
    }
}
