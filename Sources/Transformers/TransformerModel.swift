import Torch

/// A transformer: a backbone, and a head for a task. The family decides how they are built.
public final class TransformerModel {
    public let configuration: ModelConfiguration
    /// Named as transformers names them.
    public let parameters = ParameterStore()
    public let device: Device
    let backbone: EncoderBackbone
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
        let builder = try FamilyBuilder.of(configuration)
        let parts = try builder.encoder(root, configuration)
        head = try builder.head(root, configuration)
        backbone = try EncoderBackbone(
            parts, configuration, device: device, isQuantized: parameters.isQuantized)
        self.configuration = configuration
        self.device = device
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
        let output = try backbone(input, head.rows, options)
        return ModelOutput(
            logits: try head(output.rows, options.dropout), hiddenStates: output.hiddenStates,
            projections: output.projections)
    }

    /// Parameters whose gradient is sparse when training at a precision: a batch reads few of their rows.
    public func sparseTables(_ precision: Precision) -> [Tensor] { backbone.sparseTables(precision) }
}
