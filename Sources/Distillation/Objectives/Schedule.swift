import Foundation

/// A number that changes over a run: a temperature, or a term's weight.
///
/// As text, in configuration files and on the command line: `4`, `linear(8, 1)`, `cosine(1, 0)`, or
/// `step(4, 2 @ 0.5, 1 @ 0.8)`, whose fractions of the steps ascend.
public enum Schedule: Sendable, Equatable {
    case constant(Double)
    /// Straight from the first to the second number.
    case linear(from: Double, to: Double)
    /// Half a cosine from the first to the second number: slow, fast, slow.
    case cosine(from: Double, to: Double)
    /// A number, and others from given fractions of the steps on.
    case step(first: Double, changes: [Change])

    /// A number that holds from a fraction of the steps on.
    public struct Change: Sendable, Equatable {
        public var value: Double
        /// Of the steps, above 0 and below 1.
        public var share: Double

        public init(_ value: Double, at fraction: Double) {
            self.value = value
            self.share = fraction
        }
    }

    /// The number at a completed fraction of the steps, 0…1.
    public func value(at progress: Double) -> Double {
        let progress = min(1, max(0, progress))
        switch self {
        case .constant(let value): return value
        case .linear(let start, let end): return start + (end - start) * progress
        case .cosine(let start, let end):
            return end + (start - end) * 0.5 * (1 + cos(.pi * progress))
        case .step(let first, let changes):
            return changes.last { $0.share <= progress }?.value ?? first
        }
    }

    /// Every number that it begins, ends or steps at: these must be in a setting's range.
    public var extremes: [Double] {
        switch self {
        case .constant(let value): [value]
        case .linear(let start, let end), .cosine(let start, let end): [start, end]
        case .step(let first, let changes): [first] + changes.map(\.value)
        }
    }

    /// The same schedule of another number, such as 1 − alpha. The function must be affine.
    public func map(_ transform: (Double) -> Double) -> Schedule {
        switch self {
        case .constant(let value): .constant(transform(value))
        case .linear(let start, let end): .linear(from: transform(start), to: transform(end))
        case .cosine(let start, let end): .cosine(from: transform(start), to: transform(end))
        case .step(let first, let changes):
            .step(first: transform(first), changes: changes.map { Change(transform($0.value), at: $0.share) })
        }
    }
}

extension Schedule: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    public init(floatLiteral value: Double) { self = .constant(value) }
    public init(integerLiteral value: Int) { self = .constant(Double(value)) }
}
