import Torch

/// A batch's loss and its parts.
public struct LossTerms {
    /// What is minimised: a scalar in the graph.
    public let total: Tensor
    /// Each objective's loss before its weight, by its name.
    public let values: NamedValues

    public init(total: Tensor, values: NamedValues) {
        self.total = total
        self.values = values
    }
}
