import Torch
import Transformers

/// The exchange of what objectives compare between the examples of a batch whose parts are computed by several processes.
public struct BatchExchange {
    let group: ProcessGroup
    let share: BatchShare

    /// The rows of all processes' parts, in the batch's order; gradients flow to this process's own.
    fileprivate func all(_ own: Tensor, _ count: (LossCounts) -> Int) throws -> Tensor {
        let counts = share.counts.map(count)
        let counted = try own.narrowed(dimension: 0, start: 0, length: counts[share.rank])
        return try group.gatherRows(counted, counts: counts)
    }
}

extension ObjectiveBatch {
    /// The vectors of all examples of the batch (B, D), from those of this process's part: what losses between examples compare.
    ///
    /// Where one process computes the whole batch, they are what is given. Every process must ask for the same in the same order.
    public func allExamples(_ own: Tensor) throws -> Tensor {
        try exchange.map { try $0.all(own) { $0.examples } } ?? own
    }

    /// The same for rows, of which each example has one, or one for each word.
    public func allRows(_ own: Tensor) throws -> Tensor {
        try exchange.map { try $0.all(own) { $0.targets.count } } ?? own
    }
}
