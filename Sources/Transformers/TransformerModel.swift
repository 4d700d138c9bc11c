import Torch

/// A transformer: a backbone, and a head for a task. The family decides how they are built.
public final class TransformerModel {
    public let configuration: ModelConfiguration
    /// Named as transformers names them.
    public let parameters = ParameterStore()
    public let device: Device
    /// The adapters that are trained in place of the parameters; `nil` where these are.
    public internal(set) var adapters: LowRankAdapters?
    /// The weights that are rounded as a GGUF file holds them; `nil` where none is.
    public internal(set) var rounded: RoundedWeights?
    let backbone: any Backbone
    let head: any Head

    /// Makes the model on a device.
    ///
    /// - Parameters:
    ///   - configuration: The contents of `config.json`.
    ///   - source: The source of the parameters. Those it lacks are initialized as transformers does it:
    ///     normal with the configuration's `initializer_range`, biases 0, layer norms the identity.
    ///   - seed: The seed of the initialization.
    ///   - device: The device of the model's parameters.
    ///   - instrument: A hook that observes its layers; the model then computes with libtorch's operations.
    /// - Throws: `ArchitectureError` where the configuration contradicts itself, ``TransformersError`` where it contradicts the
    ///   source.
    public init(
        _ configuration: ModelConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu, instrument: (any LayerHook)? = nil
    ) throws {
        try configuration.validate()
        let root = ParameterScope(
            store: parameters, source: source, seed: seed, device: device, instrument: instrument)
        (backbone, head) =
            try configuration.isTable
            ? Self.table(root, configuration)
            : configuration.isDecoder
                ? Self.decoder(root, configuration, device)
                : Self.encoder(root, configuration, device, parameters)
        self.configuration = configuration
        self.device = device
    }

    private static func encoder(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ device: Device,
        _ parameters: ParameterStore
    ) throws -> (any Backbone, any Head) {
        let builder = try FamilyBuilder.of(configuration)
        let parts = try builder.encoder(root, configuration)
        let head = try builder.head(root, configuration)
        return (
            try EncoderBackbone(parts, configuration, device: device, isQuantized: parameters.isQuantized),
            head
        )
    }

    private static func table(
        _ root: ParameterScope, _ configuration: ModelConfiguration
    ) throws -> (any Backbone, any Head) {
        guard !configuration.headKind.hasRowForEachToken else {
            throw TransformersError(
                "\(configuration.source): is a static table, whose tokens' vectors know nothing of the text around them; label words "
                    + "with an encoder")
        }
        let backbone = try StaticBackbone(root, configuration)
        let head: any Head =
            try configuration.headKind == .embedding
            ? EmbeddingHead(root, configuration) : StaticClassificationHead(root, configuration)
        return (backbone, head)
    }

    private static func decoder(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ device: Device
    ) throws -> (any Backbone, any Head) {
        let settings = try configuration.decoderSettings()
        let backbone = try DecoderBackbone(root, configuration, settings, device: device)
        let table = settings.tiesOutput ? backbone.embedding.weight : nil
        return (backbone, try LanguageModelHead(root, configuration, table: table))
    }

    /// Runs a batch without padding. An example's logits do not depend on the examples beside it.
    ///
    /// - Parameters:
    ///   - input: Token ids, one example after another.
    ///   - options: Precision, dropout, and the features to keep besides the logits.
    /// - Throws: ``TransformersError`` for examples without a token, or longer than the model has positions,
    ///   and for a layer that it does not have; `TorchError` for ids outside the vocabulary.
    public func callAsFunction(
        _ input: PackedInput, _ options: ForwardOptions = ForwardOptions()
    ) throws -> ModelOutput {
        var options = options
        options.adapterDropout = adapters?.dropout
        return try LowRankDropout.drawing(from: options.dropout, options.adapterDropout) {
            let output = try backbone(input, head.rows, options)
            let stops = options.stopsBeforeHead
            return ModelOutput(
                rows: try stops ? output.rows : head(output.rows, options.dropout), isBeforeHead: stops,
                hiddenStates: output.hiddenStates, projections: output.projections)
        }
    }

    /// (V, H) The weight of a language model's output layer, which may be the token embedding table; `nil` for other models.
    public var outputWeight: Tensor? { (head as? LanguageModelHead)?.output.weight }

    /// Parameters whose gradient is sparse when training at a precision: a batch reads few of their rows.
    public func sparseTables(_ precision: Precision) -> [Tensor] {
        backbone.sparseTables(precision).filter(\.requiresGrad)
    }
}
