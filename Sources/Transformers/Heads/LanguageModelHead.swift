import Architectures
import Torch

/// The head of a language model, from tokens' hidden states (R, H) to logits of the next token (R, V): a linear layer without
/// bias, whose weight may be the token embedding table.
struct LanguageModelHead: Head {
    let rows = RowSelection.tokens
    let output: Linear

    /// - Parameters:
    ///   - root: The root of the parameters.
    ///   - table: The token embedding table, where it is the weight; `nil` for a weight of its own.
    init(_ root: ParameterScope, _ configuration: ModelConfiguration, table: Tensor?) throws {
        output =
            try table.map { Linear(weight: $0, bias: nil) }
            ?? Linear(
                root[DecoderNames.output], inputs: configuration.hiddenSize, outputs: configuration.vocabSize,
                bias: false, initializer: configuration.initializer)
    }

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        try output.tokens(hidden)
    }
}
