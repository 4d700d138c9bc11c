import Architectures

/// The names of a decoder layer's parts, and where their weights lie.
struct DecoderLayerNames {
    /// A linear layer.
    struct Part {
        let name: String
        let place: DecoderLinear.Place
        let hasBias: Bool
    }

    let inputNorm: String
    let innerNorm: String
    /// The norms of the outputs of attention and feed-forward network, and of the heads of queries and keys.
    var attentionNorm: String?
    var outerNorm: String?
    var queryNorm: String?
    var keyNorm: String?
    private let isGPT2: Bool

    /// Those of Llama and of families that follow it.
    static func llama(_ settings: DecoderSettings) -> DecoderLayerNames {
        typealias Names = DecoderNames
        var names = DecoderLayerNames(
            inputNorm: Names.inputNorm,
            innerNorm: settings.normalizesOutputs ? Names.feedForwardNorm : Names.postAttentionNorm,
            isGPT2: false)
        if settings.normalizesOutputs {
            (names.attentionNorm, names.outerNorm) = (Names.postAttentionNorm, Names.postFeedForwardNorm)
        }
        if settings.normalizesQueriesAndKeys {
            (names.queryNorm, names.keyNorm) = (Names.queryNorm, Names.keyNorm)
        }
        return names
    }

    static let gpt2 = DecoderLayerNames(
        inputNorm: GPT2Names.attentionNorm, innerNorm: GPT2Names.feedForwardNorm, isGPT2: true)

    private init(inputNorm: String, innerNorm: String, isGPT2: Bool) {
        (self.inputNorm, self.innerNorm, self.isGPT2) = (inputNorm, innerNorm, isGPT2)
    }

    /// Queries, keys, values, the attention's output, gate, down, and up where there is a gate.
    func linears(_ configuration: ModelConfiguration, _ settings: DecoderSettings) -> [Part] {
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        guard !isGPT2 else { return Self.gpt2(width, inner) }
        typealias Names = DecoderNames
        let heads = configuration.numAttentionHeads * settings.headSize
        let keys = settings.keyValueHeads * settings.headSize
        func part(_ name: String, _ inputs: Int, _ outputs: Int, _ hasBias: Bool) -> Part {
            Part(name: name, place: .whole(inputs, outputs), hasBias: hasBias)
        }
        return [
            part(Names.query, width, heads, settings.hasQueryKeyValueBias),
            part(Names.key, width, keys, settings.hasQueryKeyValueBias),
            part(Names.value, width, keys, settings.hasQueryKeyValueBias),
            part(Names.attentionOutput, heads, width, settings.hasAttentionOutputBias),
            part(Names.gate, width, inner, settings.hasFeedForwardBias),
            part(Names.down, inner, width, settings.hasFeedForwardBias),
            part(Names.up, width, inner, settings.hasFeedForwardBias),
        ]
    }

    /// GPT-2's, of which queries, keys and values are one, and weights are (inputs, outputs).
    private static func gpt2(_ width: Int, _ inner: Int) -> [Part] {
        func part(_ name: String, _ inputs: Int, _ outputs: Int, of all: Int, from first: Int = 0) -> Part {
            Part(
                name: name,
                place: .init(
                    inputs: inputs, outputs: outputs, shape: [inputs, all], first: first, isTransposed: true),
                hasBias: true)
        }
        return (0..<3).map {
            part(GPT2Names.queryKeyValue, width, width, of: 3 * width, from: $0 * width)
        } + [
            part(GPT2Names.attentionOutput, width, width, of: width),
            part(GPT2Names.inner, width, inner, of: inner), part(GPT2Names.outer, inner, width, of: width),
        ]
    }
}
