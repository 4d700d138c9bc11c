import Torch

/// The importance of a model's feed-forward neurons, attention heads and hidden dimensions on some texts, as Minitron measures it
/// (Muralidharan et al., arXiv 2407.14679): from activations of forward passes, without gradients.
///
/// - A neuron's is the root mean square of its activation over tokens, times the norm of the weights that it is multiplied by.
/// - A head's is the root mean square of the norm of what it adds to the residual stream: of the head's output times its part of
///   the output weights.
/// - A hidden dimension's is the mean magnitude of what the norms give there, summed over all norms.
public final class PruningImportance {
    /// For each layer, its neurons' importance; empty where the layers' parts are not known.
    public let neurons: [[Double]]
    /// For each layer, its heads' importance.
    public let heads: [[Double]]
    /// The hidden dimensions' importance.
    public let hidden: [Double]
    /// The importance of the outputs of the head's dense layer; `nil` where there is none.
    let pooled: [Double]?
    /// The number of tokens that were read.
    public let tokens: Int
    let moments: ActivationMoments
    let layers: [PrunableLayer]

    /// Measures a model.
    ///
    /// - Parameters:
    ///   - model: The model; its parameters are not changed.
    ///   - texts: Batches of texts, at least one.
    ///   - onText: Called after each batch with the number of batches that are done; may throw to end the work.
    /// - Throws: ``TransformersError`` where there are no texts, or numbers are not finite; `TorchError`.
    public init(
        _ model: TransformerModel, texts: [PackedInput], onText: (Int) throws -> Void = { _ in }
    ) throws {
        let configuration = model.configuration
        guard !texts.isEmpty else {
            throw TransformersError("there are no texts to measure importance on; give some")
        }
        layers = try (0..<configuration.numHiddenLayers).compactMap { try PrunableLayer(configuration, $0) }
        let paired = Set(layers.flatMap { [$0.attentionOutput, $0.feedForwardOutput] })
        let head = configuration.family.layout.head(configuration.headKind)
        let moments = ActivationMoments(
            paired.union(layers.flatMap { [$0.attentionInput, $0.feedForwardInput] })
                .union([head.classifier]), paired: paired)
        try Self.read(model, texts, moments, onText)
        self.moments = moments
        tokens = texts.reduce(0) { $0 + $1.inputIDs.count }
        (neurons, heads) = try withNoGrad { [layers] in
            try (
                layers.map { try Self.neurons($0, moments, model) },
                layers.map { try Self.heads($0, moments, model) }
            )
        }
        hidden = try Self.hidden(layers, configuration, moments)
        pooled = try Self.pooled(head, model, moments)
    }

    /// Runs the texts through a model that shares its parameters and is looked into.
    private static func read(
        _ model: TransformerModel, _ texts: [PackedInput], _ moments: ActivationMoments,
        _ onText: (Int) throws -> Void
    ) throws {
        let configuration = model.configuration
        let observed = try AutoModel.make(
            configuration, source: SharedParameters(model.parameters), seed: 0, device: model.device,
            instrument: moments)
        let last = configuration.numHiddenLayers
        let options = ForwardOptions(
            features: FeatureSelection(hiddenStates: [last]), stopsBeforeHead: configuration.isDecoder)
        for (number, text) in texts.enumerated() {
            // Encoders with a hook compute padded batches, and padding is no token.
            for part in configuration.isDecoder ? [text] : text.byLength() {
                try withNoGrad {
                    let output = try observed(part, options)
                    guard let states = output.hiddenStates[last] else { return }
                    try moments.add(
                        states.reshaped([-1, configuration.hiddenSize]),
                        as: PrunableLayer.lastNorm(configuration))
                }
            }
            try onText(number + 1)
        }
    }

    private static func neurons(
        _ layer: PrunableLayer, _ moments: ActivationMoments, _ model: TransformerModel
    ) throws -> [Double] {
        let name = layer.feedForwardOutput
        guard let sums = moments.sums[name] else { throw unmeasured(name) }
        let norms = try writer(name, model).norm(0).to(.float64, .cpu)
        return try ((sums.squares / Double(sums.count)).squareRoot() * norms).array()
    }

    private static func heads(
        _ layer: PrunableLayer, _ moments: ActivationMoments, _ model: TransformerModel
    ) throws -> [Double] {
        let name = layer.attentionOutput
        guard let products = moments.products[name], let count = moments.sums[name]?.count else {
            throw unmeasured(name)
        }
        let size = model.configuration.headSize
        let weight = try writer(name, model).to(.float64, .cpu)
        let mean = try products.to(.float64, .cpu) / Double(count)
        return try (0..<model.configuration.numAttentionHeads).map { head in
            let own = head * size..<(head + 1) * size
            let part = try weight.sliced(dimension: 1, own)
            let square = try mean.sliced(dimension: 0, own).sliced(dimension: 1, own)
            return max(0, try (part.matmul(square) * part).sum().item()).squareRoot()
        }
    }

    private static func hidden(
        _ layers: [PrunableLayer], _ configuration: ModelConfiguration, _ moments: ActivationMoments
    ) throws -> [Double] {
        guard !layers.isEmpty else { return [] }
        let names =
            layers.flatMap { [$0.attentionInput, $0.feedForwardInput] }
            + [PrunableLayer.lastNorm(configuration)]
        var total = [Double](repeating: 0, count: configuration.hiddenSize)
        for name in names {
            guard let sums = moments.sums[name] else { throw unmeasured(name) }
            let means: [Double] = try (sums.magnitudes / Double(sums.count)).array()
            for place in total.indices { total[place] += means[place] }
        }
        return total
    }

    private static func pooled(
        _ head: HeadNames, _ model: TransformerModel, _ moments: ActivationMoments
    ) throws -> [Double]? {
        guard head.dense != nil, let sums = moments.sums[head.classifier],
            let weight = model.parameters[head.classifier + ".weight"]
        else { return nil }
        let norms = try withNoGrad { try weight.norm(0).to(.float64, .cpu) }
        return try ((sums.squares / Double(sums.count)).squareRoot() * norms).array()
    }

    /// (outputs, inputs) The weight of a layer that writes to the residual stream.
    private static func writer(_ name: String, _ model: TransformerModel) throws -> Tensor {
        guard let weight = model.parameters[name + ".weight"] else { throw unmeasured(name) }
        return try model.configuration.storesInputsFirst ? weight.detached().transposed() : weight.detached()
    }

    private static func unmeasured(_ name: String) -> TransformersError {
        TransformersError("the inputs of '\(name)' were not measured; prune it to fewer layers alone")
    }
}

extension ModelConfiguration {
    /// True if matrices are stored as (inputs, outputs), as GPT-2's.
    var storesInputsFirst: Bool { family.modelType == ModelFamily.gpt2.modelType }
}

/// The parameters of a model that share their memory with another's: for looking into it.
struct SharedParameters: ParameterSource {
    private let parameters: ParameterStore

    init(_ parameters: ParameterStore) { self.parameters = parameters }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        try parameters[name]?.detached()
    }
}

extension PackedInput {
    /// The examples in batches of one length each, which need no padding; all their tokens are rows.
    func byLength() -> [PackedInput] {
        let lengths = (0..<count).map { offsets[$0 + 1] - offsets[$0] }
        return Set(lengths).sorted().map { length in
            var part = PackedInput(
                inputIDs: [], tokenTypeIDs: tokenTypeIDs.map { _ in [] }, offsets: [0])
            for index in 0..<count where lengths[index] == length {
                let own = offsets[index]..<offsets[index + 1]
                part.inputIDs += inputIDs[own]
                part.tokenTypeIDs? += tokenTypeIDs?[own] ?? []
                part.offsets.append(part.inputIDs.count)
            }
            return part
        }
    }
}
