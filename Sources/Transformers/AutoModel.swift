import Files
import Foundation
import Torch

/// Loads model directories in Hugging Face format, of any supported family.
///
/// ```swift
/// let (model, report) = try AutoModel.load(from: URL(filePath: "teacher"))
/// print(report)
/// ```
public enum AutoModel {
    /// Loads a model with its head.
    ///
    /// - Parameters:
    ///   - directory: The directory of `config.json` and `model.safetensors`, or shards with their index; or a GGUF file of a
    ///     language model.
    ///   - labelNames: The classes to distinguish, for fine-tuning; `nil` for the checkpoint's own. A head in
    ///     the checkpoint is kept where its number of classes matches, as in transformers.
    ///   - task: The task to fine-tune for; `nil` for the checkpoint's own. A head of another kind is not
    ///     loaded.
    ///   - scoreActivation: The function that makes a score of a cross-encoder's logit; `nil` for its own.
    ///   - ignoreMismatchedSizes: True to replace a head with another number of classes by a fresh one.
    ///   - mismatchRemedy: What to do about such a head, as the end of the error.
    ///   - seed: The seed of newly initialized parameters.
    ///   - device: The device of the model's parameters.
    ///   - isMapped: True to leave parameters on the CPU in the mapped file, for a model that is not trained:
    ///     pages that are not read take no memory. The file must not be shortened meanwhile; replacing it is
    ///     harmless.
    ///   - instrument: A hook that observes its layers.
    ///   - change: Changes the configuration before the model is made.
    /// - Returns: The model in float32, except for weights saved as int8, and the report of what did not
    ///   match.
    /// - Throws: `ArchitectureError`, ``TransformersError``, `SafetensorsError` or `JSONError`, which name file, field or
    ///   tensor.
    public static func load(
        from directory: URL, labelNames: [String]? = nil, task: TaskIdentifier? = nil,
        scoreActivation: ScoreActivation? = nil,
        ignoreMismatchedSizes: Bool = false,
        mismatchRemedy: String = "pass --ignore-mismatched-sizes to start with a fresh head",
        seed: UInt64 = 42, device: Device = .cpu, isMapped: Bool = false,
        instrument: (any LayerHook)? = nil, change: (inout ModelConfiguration) -> Void = { _ in }
    ) throws -> (model: TransformerModel, report: LoadReport) {
        if isGGUF(directory) {
            return try loadGGUF(directory, seed: seed, device: device, instrument: instrument)
        }
        if task == nil, labelNames == nil, SentenceTransformer.isDirectory(directory) {
            return try loadEmbedding(
                from: directory, seed: seed, device: device, isMapped: isMapped, instrument: instrument,
                change: change)
        }
        var configuration = try ModelConfiguration(contentsOf: directory)
        try ChecksumManifest.verify(directory)
        let layout = configuration.family.layout
        var source = try CheckpointSource(directory: directory, layout: layout)
        let stored = configuration.headKind
        if let task { configuration.task = task }
        if let scoreActivation { configuration.scoreActivation = scoreActivation }
        let head = layout.head(configuration.headKind)
        if stored != configuration.headKind {
            source = try source.ignoring(layout.head(stored).outputs, layout: layout)
        }
        if let labelNames {
            configuration.labelNames = labelNames
            if let classes = source.shape(of: "\(head.classifier).weight")?.first, classes != labelNames.count
            {
                guard ignoreMismatchedSizes else {
                    throw TransformersError(
                        "\(directory.plainPath): the checkpoint's head tells \(classes) classes apart, the data "
                            + "has \(labelNames.count) (\(labelNames.prefix(5).joined(separator: ", "))); "
                            + mismatchRemedy)
                }
                source = try source.ignoring(head.outputs, layout: layout)
            }
        }
        source.isMapped = isMapped
        source.quantization = configuration.quantization
        change(&configuration)
        let table = configuration.isTable ? try StaticTableSource(directory: directory, base: source) : nil
        let model = try make(
            configuration, source: table ?? source, seed: seed, device: device, instrument: instrument)
        if isMapped { source.releasePages() }
        return (model, table?.report(for: model) ?? source.report(for: model))
    }

    /// Makes a model from a configuration, such as a student.
    ///
    /// - Parameters:
    ///   - configuration: The contents of `config.json`.
    ///   - source: The source of the parameters; `nil` to initialize all of them.
    ///   - seed: The seed of the initialization.
    ///   - device: The device of the model's parameters.
    ///   - instrument: A hook that observes its layers.
    /// - Throws: `ArchitectureError` where the configuration contradicts itself, ``TransformersError`` where it contradicts the
    ///   source.
    public static func make(
        _ configuration: ModelConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu, instrument: (any LayerHook)? = nil
    ) throws -> TransformerModel {
        try TransformerModel(
            configuration, source: source, seed: seed, device: device, instrument: instrument)
    }
}
