import Torch

/// A transformer with a classification head.
public protocol SequenceClassifier: AnyObject {
    var configuration: BertConfiguration { get }
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
}

extension SequenceClassifier {
    /// Classifies a batch in evaluation, and returns logits alone.
    public func callAsFunction(_ input: ModelInput) throws -> ClassifierOutput {
        try self(input, dropout: nil, selecting: [])
    }
}

/// A batch of token ids. Shapes: B batch, L length.
public struct ModelInput {
    /// (B, L) int64
    public let inputIDs: Tensor
    /// (B, L) int64: 1 at tokens, 0 at padding
    public let attentionMask: Tensor
    /// (B, L) int64: the segment of each token; `nil` for all 0
    public let tokenTypeIDs: Tensor?

    public init(inputIDs: Tensor, attentionMask: Tensor, tokenTypeIDs: Tensor? = nil) {
        self.inputIDs = inputIDs
        self.attentionMask = attentionMask
        self.tokenTypeIDs = tokenTypeIDs
    }

    /// - Throws: ``TransformersError`` unless all tensors have the same shape (B, L), with L from 1 to
    ///   `maxLength`.
    func validate(maxLength: Int) throws {
        let shape = inputIDs.shape
        guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
            throw TransformersError(
                "input_ids have the shape \(shape); give a batch (B, L) of at least one token")
        }
        guard shape[1] <= maxLength else {
            throw TransformersError(
                "the input has \(shape[1]) tokens, the model \(maxLength) positions "
                    + "(max_position_embeddings); pass a smaller --max-length")
        }
        guard attentionMask.shape == shape else {
            throw TransformersError(
                "attention_mask has the shape \(attentionMask.shape), input_ids \(shape); give them the same")
        }
        guard tokenTypeIDs == nil || tokenTypeIDs?.shape == shape else {
            throw TransformersError(
                "token_type_ids have the shape \(tokenTypeIDs?.shape ?? []), input_ids \(shape); "
                    + "give them the same")
        }
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
