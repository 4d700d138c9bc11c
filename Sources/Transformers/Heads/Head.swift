import Architectures
import Torch

/// A model's head on its backbone: it maps the hidden states that it reads, a row each, to rows of outputs.
///
/// Shapes: R rows, H hidden size, C outputs.
protocol Head {
    /// The rows of the last hidden state that it reads.
    var rows: RowSelection { get }

    /// (R, H) → (R, C)
    ///
    /// - Parameter state: The random state in training; `nil` in evaluation.
    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor
}

/// The rows of the last hidden state that a head reads.
enum RowSelection: Sendable, Equatable {
    /// Each example's first token: B rows.
    case firstToken
    /// The mean over each example's tokens: B rows.
    case mean
    /// The tokens that ``PackedInput/rows`` names, or all.
    case tokens
    /// Each example's tokens, made one vector in these ways, one after another: B rows of as many times H.
    case pooled([PoolingMode])
}
