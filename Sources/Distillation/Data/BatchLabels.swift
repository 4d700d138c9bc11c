import Torch
import Transformers

/// The labels of a batch's examples. Shapes: B batch, C classes.
public struct BatchLabels {
    public let problemType: TaskIdentifier
    /// (B) int64 for single-label classification, ``unlabelled`` where there is none; (B, C) float32 of 0 and 1 for
    /// multi-label classification; (B, 1) float32 for regression. Rows without a label hold zeros in the latter two.
    public let targets: Tensor
    /// (B) float32: 1 for examples with a label, 0 for others.
    public let mask: Tensor
    /// The examples that have a label.
    public let labeledCount: Int
    /// The queries with documents that the examples belong to; `nil` of other data.
    public private(set) var groups: GroupTargets?
    /// The class number of an example without a label, as PyTorch's `ignore_index`.
    public static let unlabelled = -100

    public init(
        problemType: TaskIdentifier, targets: Tensor, mask: Tensor, labeledCount: Int
    ) {
        self.problemType = problemType
        self.targets = targets
        self.mask = mask
        self.labeledCount = labeledCount
    }

    /// Labels for single-label classification.
    ///
    /// - Parameters:
    ///   - classes: A class for each example, or ``unlabelled``.
    ///   - device: The device on which the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public init(classes: [Int], device: Device = .cpu) throws {
        self.init(
            problemType: .singleLabel, targets: try Tensor(classes, device: device),
            mask: try Tensor(classes.map { $0 == Self.unlabelled ? Float(0) : 1 }, device: device),
            labeledCount: classes.count { $0 != Self.unlabelled })
    }

    /// Labels for multi-label classification.
    ///
    /// - Parameters:
    ///   - sets: The classes of each example; `nil` for one without a label.
    ///   - count: The number of classes C.
    ///   - device: Where the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public init(sets: [[Int]?], classes count: Int, device: Device = .cpu) throws {
        var targets = [Float](repeating: 0, count: sets.count * count)
        for (row, set) in sets.enumerated() {
            for label in set ?? [] { targets[row * count + label] = 1 }
        }
        self.init(
            problemType: .multiLabel,
            targets: try Tensor(targets, shape: [sets.count, count], device: device),
            mask: try Tensor(sets.map { $0 == nil ? Float(0) : 1 }, device: device),
            labeledCount: sets.count { $0 != nil })
    }

    /// Labels for regression.
    ///
    /// - Parameters:
    ///   - values: A number for each example; NaN for one without a label.
    ///   - device: Where the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public init(values: [Float], device: Device = .cpu) throws {
        self.init(
            problemType: .regression,
            targets: try Tensor(
                values.map { $0.isNaN ? 0 : $0 }, shape: [values.count, 1], device: device),
            mask: try Tensor(values.map { $0.isNaN ? Float(0) : 1 }, device: device),
            labeledCount: values.count { !$0.isNaN })
    }

    /// Labels of queries with documents.
    ///
    /// - Parameters:
    ///   - groups: A row each for a query's documents, and of a model for embeddings for the query.
    ///   - device: Where the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public init(groups: GroupTargets, device: Device = .cpu) throws {
        try self.init(values: groups.labels, device: device)
        self.groups = groups
    }
}
