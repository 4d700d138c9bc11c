import Torch

/// A batch's loss and its parts.
public struct LossTerms {
    /// What is minimised: a scalar in the graph.
    public let total: Tensor
    /// T² · KL(teacher ‖ student) at temperature T, before its weight; `nil` without a teacher.
    public let soft: Double?
    /// Cross-entropy with the labels, before its weight.
    public let hard: Double?
    /// KL(teacher ‖ student) at temperature 1; `nil` without a teacher.
    public let kl: Double?

    public init(total: Tensor, soft: Double?, hard: Double?, kl: Double?) {
        self.total = total
        self.soft = soft
        self.hard = hard
        self.kl = kl
    }
}
