import Distillation
import Transformers

/// What a search for a shape may spend.
protocol ShapeBudget {
    /// Returns true for a shape that costs no more than is allowed.
    func holds(_ shape: ModelShape) throws -> Bool
    /// Why no shape that is tried is small enough, and what to do.
    func impossible() -> DistillationError
}

/// At most so many parameters.
struct ParameterBudget: ShapeBudget {
    let model: TransformerModel
    /// The model as it was named, for messages.
    let name: String
    let target: Int

    func holds(_ shape: ModelShape) -> Bool { shape.parameterCount(of: model) <= target }

    func impossible() -> DistillationError {
        DistillationError(
            "--target-parameters: no part of \(name) that is tried has at most \(target) parameters (all have "
                + "\(model.configuration.shape.parameterCount(of: model)), of which the embeddings stay whole); "
                + "allow more, or leave out sizes that are given"
        )
    }
}
