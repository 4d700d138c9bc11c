import Transformers

/// The unit that an objective's loss is the mean over.
///
/// Where several micro-batches, or several processes, make one optimizer step, each is weighted by its number of
/// these: the sum is the loss of one large batch, whatever the sizes of the micro-batches.
public enum LossUnit: String, Sendable, CaseIterable {
    /// The model's rows: examples, or for token classification words.
    case rows
    /// The rows that have a label.
    case labeledRows
    case examples
    /// The tokens of all examples.
    case tokens
    /// The pairs of tokens of the same example.
    case tokenPairs
    /// Queries with two documents or more.
    case groups
    /// The loss compares examples with one another. Every micro-batch is a comparison of its own and counts by its
    /// examples: more of them give the mean of their losses, and not the loss of one large batch.
    case comparisons
}

/// The counts of a micro-batch that losses are means over.
public struct LossCounts: Sendable {
    public var examples: Int
    /// The number of tokens of all examples.
    public var tokens: Int
    /// The number of pairs of tokens of the same example.
    public var tokenPairs: Int
    /// The labels, a row each.
    public var targets: Targets

    /// - Parameters:
    ///   - offsets: Where the examples begin among the tokens, and the number of all tokens.
    ///   - targets: The labels of all rows.
    public init(offsets: [Int], targets: Targets) {
        examples = offsets.count - 1
        tokens = offsets.last ?? 0
        tokenPairs = zip(offsets, offsets.dropFirst()).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
        self.targets = targets
    }

    /// Returns the count of a unit.
    public func count(_ unit: LossUnit) -> Double {
        switch unit {
        case .rows: Double(targets.count)
        case .labeledRows: Double(targets.labeledIndices.count)
        case .examples, .comparisons: Double(examples)
        case .tokens: Double(tokens)
        case .tokenPairs: Double(tokenPairs)
        case .groups: Double(targets.groups?.documents.count { $0.count > 1 } ?? 0)
        }
    }
}

extension Objective {
    /// Unless an objective says otherwise, its loss is a mean over the examples.
    public var unit: LossUnit { .examples }

    /// The number of ``unit`` that there are.
    public func count(_ counts: LossCounts) -> Double { counts.count(unit) }
}
