import Torch

/// A batch's loss and its parts.
public struct LossTerms {
    /// What is minimised: a scalar in the graph.
    public let total: Tensor
    /// Each objective's loss before its weight, by its name.
    public let values: MetricValues

    public init(total: Tensor, values: MetricValues) {
        self.total = total
        self.values = values
    }
}
