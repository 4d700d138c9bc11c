import Torch

/// A batch's loss and its parts.
public struct LossTerms {
    /// The loss that is minimized: a scalar in the graph.
    public let total: Tensor
    /// The part of the step's loss that these examples count for, detached: ``total``, but where a loss that compares examples is
    /// minimized in every process and counts once.
    public let counted: Tensor
    /// Each objective's loss before its weight, by its name, detached.
    public let terms: [(name: String, loss: Tensor)]
    /// (R, columns) What is told of each token of a language model's batch; `nil` for other models.
    let statistics: Tensor?

    public init(total: Tensor, counted: Tensor? = nil, terms: [(name: String, loss: Tensor)]) {
        self.init(total: total, counted: counted, terms: terms, statistics: nil)
    }

    init(total: Tensor, counted: Tensor?, terms: [(name: String, loss: Tensor)], statistics: Tensor?) {
        self.statistics = statistics
        self.total = total
        self.counted = counted ?? total
        self.terms = terms
    }

    /// Each objective's loss before its weight. Waits for the device to have computed them.
    ///
    /// - Throws: `TorchError` where a loss is no scalar.
    public func values() throws -> NamedValues {
        var values = NamedValues()
        for (name, loss) in terms { values[name] = try loss.item() }
        return values
    }
}
