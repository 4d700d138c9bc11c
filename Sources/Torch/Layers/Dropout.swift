/// The random state of dropout in one training run.
///
/// Each call draws from a counter-based generator (Philox4x32-10; Salmon et al., SC 2011) at the next position,
/// so the masks depend on the seed and on the calls made before, not on threads, and the whole state is two
/// integers.
///
/// A model's forward pass takes one to train, and `nil` to evaluate: there is no mode that could be left set.
public final class DropoutState {
    /// The state as a value, to be saved and restored.
    public struct Position: Equatable, Sendable {
        public var seed: UInt64
        public var offset: UInt64
        public init(seed: UInt64, offset: UInt64) {
            self.seed = seed
            self.offset = offset
        }
    }

    public var position: Position

    /// The examples of a batch that other processes compute, before this one's: their elements take the draws before this
    /// process's, so that each example has the mask that it has where one process computes the whole batch.
    public struct Before: Equatable, Sendable {
        /// The number of tokens of each of these examples.
        public var lengths: [Int]
        /// The rows that the head reads of them: one of each example, or of each word.
        public var rows: Int
        /// The length to which all processes pad their examples, in models that need padding.
        public var longest: Int

        public var tokens: Int { lengths.reduce(0, +) }

        public init(lengths: [Int] = [], rows: Int = 0, longest: Int = 0) {
            self.lengths = lengths
            self.rows = rows
            self.longest = longest
        }
    }

    /// What precedes the examples of the next forward pass, on the CPU.
    public var before = Before()

    public init(seed: UInt64) { position = Position(seed: seed, offset: 0) }
    public init(position: Position) { self.position = position }

    /// The offset of this call, or of the first of several.
    package func next(_ calls: UInt64 = 1) -> Position {
        defer { position.offset &+= calls }
        return position
    }
}

/// Drops elements at random in training (Srivastava et al., JMLR 2014), as `torch.nn.Dropout`.
public struct Dropout: Sendable {
    /// The fraction of elements that become zero, in 0 ..< 1; the others are scaled by 1 / (1 − probability).
    public let probability: Double

    public init(_ probability: Double) { self.probability = probability }

    /// What a tensor's first dimension counts.
    public enum FirstDimension: Sendable {
        /// The examples of the batch, padded to one length.
        case examples
        /// The rows that the head reads: one of each example, or of each word.
        case rows
        /// All tokens of the batch, one text after another.
        case tokens
        /// Something that all processes have alike, such as positions.
        case other
    }

    /// - Parameters:
    ///   - x: Of any shape.
    ///   - state: The random state in training; `nil` in evaluation, which changes nothing.
    ///   - dimension: What the first dimension counts.
    public func callAsFunction(
        _ x: Tensor, _ state: DropoutState?, over dimension: FirstDimension = .examples
    ) throws -> Tensor {
        guard let state, probability != 0 else { return x }
        let position = state.next()
        let before =
            switch dimension {
            case .examples: state.before.lengths.count
            case .rows: state.before.rows
            case .tokens: state.before.tokens
            case .other: 0
            }
        let first = before == 0 ? 0 : before * (x.count / max(1, try x.size(0)))
        return try x.dropout(
            probability: probability, seed: position.seed, offset: position.offset, first: first)
    }
}
