import Torch
import Transformers

/// What examples are labelled with: plain arrays, one element an example, by the problem type.
public enum Targets: Sendable, Equatable {
    /// One of `count` classes each; ``BatchLabels/unlabelled`` where there is no label.
    case classes([Int], count: Int)
    /// Any number of `count` classes each, in rising order; `nil` where there is no label.
    case sets([[Int]?], count: Int)
    /// A number each; NaN where there is no label.
    case values([Float])

    public var problemType: TaskIdentifier {
        switch self {
        case .classes: .singleLabel
        case .sets: .multiLabel
        case .values: .regression
        }
    }

    /// The number of examples.
    public var count: Int {
        switch self {
        case .classes(let classes, _): classes.count
        case .sets(let sets, _): sets.count
        case .values(let values): values.count
        }
    }

    /// Whether an example has a label.
    public func isLabelled(_ index: Int) -> Bool {
        switch self {
        case .classes(let classes, _): classes[index] != BatchLabels.unlabelled
        case .sets(let sets, _): sets[index] != nil
        case .values(let values): !values[index].isNaN
        }
    }

    /// The places of the examples that have a label.
    public var labelledIndices: [Int] { (0..<count).filter(isLabelled) }

    /// The targets of some examples.
    public func subset(_ indices: [Int]) -> Targets {
        switch self {
        case .classes(let classes, let count): .classes(indices.map { classes[$0] }, count: count)
        case .sets(let sets, let count): .sets(indices.map { sets[$0] }, count: count)
        case .values(let values): .values(indices.map { values[$0] })
        }
    }

    /// The targets as tensors.
    ///
    /// - Parameter device: Where the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public func batchLabels(device: Device = .cpu) throws -> BatchLabels {
        switch self {
        case .classes(let classes, _): try BatchLabels(classes: classes, device: device)
        case .sets(let sets, let count): try BatchLabels(sets: sets, classes: count, device: device)
        case .values(let values): try BatchLabels(values: values, device: device)
        }
    }
}
