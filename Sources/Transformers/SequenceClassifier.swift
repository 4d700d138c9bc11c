import Torch

/// A transformer with a classification head.
public protocol SequenceClassifier: AnyObject {
    var configuration: ModelConfiguration { get }
    /// Named as transformers names them.
    var parameters: ParameterStore { get }
    var device: Device { get }
    /// The type that it computes with; its parameters stay float32.
    var precision: Precision { get set }

    /// Classifies a batch.
    ///
    /// - Parameters:
    ///   - input: Token ids, token types and attention mask.
    ///   - dropout: The random state in training; `nil` in evaluation.
    ///   - selecting: What to return besides logits.
    /// - Throws: ``TransformersError`` for inputs whose shapes differ or that are longer than the model has
    ///   positions; `TorchError` for ids outside of the vocabulary.
    func callAsFunction(
        _ input: ModelInput, dropout: DropoutState?, selecting: OutputSelection
    ) throws -> ClassifierOutput

    /// Classifies a batch without padding, and returns logits alone: the fastest way.
    ///
    /// An example's logits do not depend on the examples beside it.
    ///
    /// - Parameters:
    ///   - input: Token ids one example after another.
    ///   - dropout: The random state in training; `nil` in evaluation.
    /// - Throws: As with padding.
    func callAsFunction(_ input: PackedInput, dropout: DropoutState?) throws -> ClassifierOutput

    /// Runs a batch without padding, and keeps what objectives compare.
    ///
    /// - Parameters:
    ///   - input: Token ids one example after another.
    ///   - dropout: The random state in training; `nil` in evaluation.
    ///   - features: What to keep besides logits.
    /// - Throws: As with padding; ``TransformersError`` for a layer that the model does not have.
    func callAsFunction(
        _ input: PackedInput, dropout: DropoutState?, features: FeatureSelection
    ) throws -> PackedFeatures

    /// Parameters whose gradient from packed input is sparse: a batch reads few of their rows.
    var sparseTables: [Tensor] { get }
}

extension SequenceClassifier {
    /// Classifies a batch in evaluation, and returns logits alone.
    public func callAsFunction(_ input: ModelInput) throws -> ClassifierOutput {
        try self(input, dropout: nil, selecting: [])
    }
}

/// What a forward pass returns besides logits.
public struct OutputSelection: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let hiddenStates = OutputSelection(rawValue: 1)
    public static let attentions = OutputSelection(rawValue: 2)
}

/// What a classifier returns. Shapes: B batch, C classes, L length, H hidden size.
public struct ClassifierOutput {
    /// (B, C)
    public let logits: Tensor
    /// The embeddings' output and each layer's, (B, L, H); empty unless selected.
    public let hiddenStates: [Tensor]
    /// Each layer's attention probabilities before dropout, (B, heads, L, L); empty unless selected.
    public let attentions: [Tensor]

    public init(logits: Tensor, hiddenStates: [Tensor] = [], attentions: [Tensor] = []) {
        self.logits = logits
        self.hiddenStates = hiddenStates
        self.attentions = attentions
    }
}
