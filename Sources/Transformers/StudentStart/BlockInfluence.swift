import Torch

/// How much each layer of a model changes the hidden states: 1 − the mean cosine between what it reads and what it writes (Men et
/// al., "ShortGPT", arXiv 2403.03853, equation 1). Layers with little influence can be left out of a student.
///
/// A decoder's last hidden state is normalized, so that its last layer cannot be compared: it counts as indispensable.
public struct BlockInfluence {
    /// The sums over tokens, and the number of tokens.
    private var sums: [Double]
    private var tokens = 0
    private let model: TransformerModel

    public init(_ model: TransformerModel) {
        self.model = model
        sums = [Double](repeating: 0, count: model.configuration.numHiddenLayers)
    }

    /// Adds texts.
    ///
    /// - Throws: `TorchError`, ``TransformersError`` as the model.
    public mutating func add(_ input: PackedInput) throws {
        let states = Set(0...sums.count)
        let output = try withNoGrad {
            try model(
                input,
                ForwardOptions(features: FeatureSelection(hiddenStates: states), stopsBeforeHead: true))
        }
        for layer in sums.indices {
            guard let before = output.hiddenStates[layer], let after = output.hiddenStates[layer + 1] else {
                continue
            }
            let cosine: Double = try withNoGrad {
                let product = try (before * after).sum(1)
                let lengths = try ((before * before).sum(1) * (after * after).sum(1)).squareRoot()
                return try (product / lengths).sum().item()
            }
            sums[layer] += Double(input.inputIDs.count) - cosine
        }
        tokens += input.inputIDs.count
    }

    /// The influence of each layer.
    public var values: [Double] {
        var values = sums.map { $0 / Double(max(1, tokens)) }
        if model.configuration.isDecoder, !values.isEmpty { values[values.count - 1] = .infinity }
        return values
    }
}
