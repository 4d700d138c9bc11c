import Torch

/// A static table in place of an encoder: a text's row is the mean of its tokens' vectors, each times the token's weight where
/// weights are trained. There are no layers, so that it has no hidden states.
///
/// The token of unknown words is left out, as model2vec does it, so that its vector stays zero.
final class StaticBackbone: Backbone {
    let bag: EmbeddingBag
    private let configuration: ModelConfiguration

    /// - Parameter root: The root of the parameters: `embeddings.weight` (V, H), and with weights `token_weights.weight` (V).
    init(_ root: ParameterScope, _ configuration: ModelConfiguration) throws {
        self.configuration = configuration
        let shape = [configuration.vocabSize, configuration.hiddenSize]
        let table = try root[StaticNames.table].parameter(
            "weight", shape: shape, initializer: configuration.initializer)
        let weights =
            try configuration.hasTokenWeights
            ? root[StaticNames.tokenWeights].parameter("weight", shape: [shape[0]], initializer: .ones) : nil
        bag = EmbeddingBag(table: table, weights: weights, paddingIndex: configuration.unknownToken)
    }

    func callAsFunction(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput
    {
        guard options.features.isEmpty, rows == .mean else {
            throw TransformersError(
                "\(configuration.source): is a static table, which has no layers and no vectors of tokens in their text; compare "
                    + "outputs alone")
        }
        return BackboneOutput(
            rows: try bag(input.inputIDs, offsets: input.offsets), hiddenStates: [:], projections: [:])
    }

    func sparseTables(_ precision: Precision) -> [Tensor] {
        bag.table.device.kind == .cpu ? [bag.table] : []
    }
}
