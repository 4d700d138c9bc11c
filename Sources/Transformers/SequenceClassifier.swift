import Torch

/// A batch of token ids.
public struct ModelInput {
    /// (B, L) int64
    public let inputIDs: Tensor
    /// (B, L) int64: 1 at tokens, 0 at padding
    public let attentionMask: Tensor
    /// (B, L) int64: the segment of each token; `nil` for all 0
    public let tokenTypeIDs: Tensor?

    public init(inputIDs: Tensor, attentionMask: Tensor, tokenTypeIDs: Tensor?) {
        self.inputIDs = inputIDs
        self.attentionMask = attentionMask
        self.tokenTypeIDs = tokenTypeIDs
    }
}

/// What a forward pass returns besides logits.
public struct OutputSelection: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let hiddenStates = OutputSelection(rawValue: 1)
    public static let attentions = OutputSelection(rawValue: 2)
}

/// What a classifier returns.
public struct ClassifierOutput {
    /// (B, C)
    public let logits: Tensor
    /// The embeddings' output and each layer's, (B, L, H); empty unless selected.
    public let hiddenStates: [Tensor]
    /// Each layer's attention probabilities, (B, heads, L, L), before dropout; empty unless selected.
    public let attentions: [Tensor]
}

/// A transformer with a classification head.
public protocol SequenceClassifier: AnyObject {
    var configuration: BertConfiguration { get }
    /// Named as transformers names them.
    var parameters: ParameterStore { get }
    var device: Device { get }

    /// - Parameters:
    ///   - dropout: The random state in training; `nil` in evaluation.
    ///   - selecting: What to return besides logits.
    /// - Throws: ``TransformersError`` for inputs longer than the model has positions; `TorchError` for ids
    ///   outside the vocabulary.
    func callAsFunction(
        _ input: ModelInput, dropout: DropoutState?, selecting: OutputSelection
    ) throws -> ClassifierOutput
}

extension SequenceClassifier {
    /// Evaluation: logits alone.
    public func callAsFunction(_ input: ModelInput) throws -> ClassifierOutput {
        try self(input, dropout: nil, selecting: [])
    }
}
