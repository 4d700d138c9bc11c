/// The parts of a layer by which it is measured and cut, by their full names.
struct PrunableLayer {
    /// A linear layer that reads the residual stream for attention, and the norm that it reads.
    let attentionInput: String
    let attentionInputNorm: String
    /// The linear layer that reads what all heads give.
    let attentionOutput: String
    /// The same of the feed-forward network.
    let feedForwardInput: String
    let feedForwardInputNorm: String
    let feedForwardOutput: String

    /// - Parameter index: The layer's index.
    /// - Returns: `nil` for a layer whose parts are not known.
    init?(_ configuration: ModelConfiguration, _ index: Int) throws {
        let (family, layout) = (configuration.family, configuration.family.layout)
        guard family.axes(layer: index) != nil else { return nil }
        let path = layout.layers(index) + "."
        if let names = layout.layer {
            attentionInput = path + names.query
            attentionInputNorm =
                index == 0 ? layout.embeddings.norm : layout.layers(index - 1) + "." + names.outputNorm
            attentionOutput = path + names.attentionOutput
            feedForwardInput = path + names.intermediate
            feedForwardInputNorm = path + names.attentionNorm
            feedForwardOutput = path + names.output
            return
        }
        let settings = try configuration.decoderSettings()
        if settings.norm == .layer {
            typealias Names = GPT2Names
            (attentionInput, attentionInputNorm) = (path + Names.queryKeyValue, path + Names.attentionNorm)
            (feedForwardInput, feedForwardInputNorm) = (path + Names.inner, path + Names.feedForwardNorm)
            (attentionOutput, feedForwardOutput) = (path + Names.attentionOutput, path + Names.outer)
            return
        }
        typealias Names = DecoderNames
        (attentionInput, attentionInputNorm) = (path + Names.query, path + Names.inputNorm)
        let norm = settings.normalizesOutputs ? Names.feedForwardNorm : Names.postAttentionNorm
        (feedForwardInput, feedForwardInputNorm) = (path + Names.gate, path + norm)
        (attentionOutput, feedForwardOutput) = (path + Names.attentionOutput, path + Names.down)
    }

    /// The norm whose outputs are the last hidden states.
    static func lastNorm(_ configuration: ModelConfiguration) -> String {
        let layout = configuration.family.layout
        guard let names = layout.layer else { return layout.embeddings.norm }
        return layout.layers(configuration.numHiddenLayers - 1) + "." + names.outputNorm
    }
}
