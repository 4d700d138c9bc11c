import Torch

/// The part of a model below its head: embeddings and layers, on batches without padding.
protocol Backbone {
    /// Computes the hidden states that a head reads, and the selected features.
    ///
    /// - Throws: as ``TransformerModel/callAsFunction(_:_:)``.
    func callAsFunction(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput

    /// Parameters whose gradient is sparse when training at a precision.
    func sparseTables(_ precision: Precision) -> [Tensor]
}

/// The output of a backbone. Shapes: R rows that the head reads, T tokens of all examples, H hidden size.
struct BackboneOutput {
    /// (R, H) float32: the rows that the head reads.
    let rows: Tensor
    /// The selected hidden states by index, (T, H) float32.
    let hiddenStates: [Int: Tensor]
    /// The selected projections by layer.
    let projections: [Int: AttentionProjections]
}

extension TransformerModel {
    /// The backbone of a model whose encoder is needed as such.
    ///
    /// - Throws: ``TransformersError`` for a decoder.
    var encoder: EncoderBackbone {
        get throws {
            guard !configuration.isTable else {
                throw TransformersError(
                    "\(configuration.source): is a static table; an encoder is needed here")
            }
            guard let encoder = backbone as? EncoderBackbone else {
                throw TransformersError(
                    "\(configuration.source): is a language model (\(configuration.modelType)); an encoder is needed here"
                )
            }
            return encoder
        }
    }
}
