import Architectures
import Files
import Foundation
import GGUF
import Safetensors

/// The directory of a language model as the writer of GGUF files sees it: its configuration and its tensors by their names
/// there, without libtorch.
public struct GGUFExportModel: Sendable {
    /// The directory.
    public let directory: URL
    /// `config.json`.
    public let configuration: ModelConfiguration
    /// What llama.cpp calls the family.
    public let family: GGUFFamily

    /// The type whose rounding the model was trained with, `quantize_aware_type` of its `config.json`; `nil` where it was trained without.
    public let trainedType: GGUFOutputType?

    let settings: DecoderSettings
    let checkpoint: SafetensorsCheckpoint
    /// The tensors in the order in which they are written.
    let tensors: [Tensor]

    /// A tensor that is written.
    struct Tensor: Sendable {
        /// The name in the file.
        let name: String
        /// The name in the checkpoint.
        let stored: TensorInfo
        /// The shape in the file.
        let shape: [Int]
        let conversion: GGUFConversion
        /// The name of the layer that has it as its weight: `model.layers.0.self_attn.q_proj`.
        let module: String
    }

    /// Opens a directory.
    ///
    /// - Parameter directory: The directory of `config.json` and `model.safetensors`, or shards with their index.
    /// - Throws: ``ExportError`` where it is no language model, one that llama.cpp computes otherwise, or one that was trained with the
    ///   rounding of a type that is not known; `ArchitectureError` where
    ///   `config.json` is not supported; `SafetensorsError`, `JSONError` or `FileError` where a file is missing or damaged.
    public init(directory: URL) throws {
        self.directory = directory
        configuration = try ModelConfiguration(contentsOf: directory)
        let path = directory.plainPath
        (family, settings) = try Self.supported(configuration, path: path)
        trainedType = try Self.trainedType(configuration)
        checkpoint = try SafetensorsCheckpoint(directory: directory)
        tensors = try GGUFTensorPlan(
            configuration: configuration, settings: settings, family: family, checkpoint: checkpoint,
            path: path
        ).tensors()
    }

    /// Checks that models of a configuration are written as GGUF.
    ///
    /// - Throws: ``ExportError``; `ArchitectureError`.
    static func supported(
        _ configuration: ModelConfiguration, path: String
    ) throws -> (family: GGUFFamily, settings: DecoderSettings) {
        guard configuration.isDecoder else {
            throw ExportError(
                "\(path): is an encoder (\(configuration.modelType)), and only language models are written as GGUF; use --format onnx"
            )
        }
        let architecture = Self.architectures[configuration.modelType] ?? configuration.modelType
        guard let family = GGUFFamily.named(architecture) else {
            throw ExportError(
                "\(path): models of type \(configuration.modelType) are not written as GGUF; use one of "
                    + GGUFFamily.all.map(\.modelType).joined(separator: ", "))
        }
        let settings = try configuration.decoderSettings()
        try GGUFRefusals(configuration: configuration, settings: settings, path: path).check()
        return (family, settings)
    }

    /// Reads the type whose rounding a model was trained with.
    ///
    /// - Throws: ``ExportError`` for one that is not known: a file of another type would not hold the weights that were evaluated.
    private static func trainedType(_ configuration: ModelConfiguration) throws -> GGUFOutputType? {
        let key = "quantize_aware_type"
        guard let value = configuration.original[key], !value.isNull else { return nil }
        if let name = value.stringValue, let type = GGUFOutputType(name: name) { return type }
        let known = GGUFOutputType.allCases.map(\.rawValue).joined(separator: ", ")
        throw ExportError(
            "\(configuration.source): \(key) is \(value.serialized()), which is no type of a GGUF file; give the type that the model was "
                + "trained with, one of \(known), or remove the field")
    }

    /// The number of tensors that are written, and of their elements.
    public var tensorCount: Int { tensors.count }
    public var elementCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    /// The directory's path, for messages.
    var path: String { directory.plainPath }

    /// Families that have another's form.
    private static let architectures = ["mistral": "llama", "gemma3_text": "gemma3"]

    /// Returns the name in the file of the weight of a layer, by the layer's name in the model; `nil` where it has none.
    public func fileName(ofLayer module: String) -> String? {
        tensors.first { $0.module == module && $0.name.hasSuffix(".weight") }?.name
    }
}

/// The tensors of a language model in the order in which they are written, each checked against the configuration.
struct GGUFTensorPlan {
    let configuration: ModelConfiguration
    let settings: DecoderSettings
    let family: GGUFFamily
    let checkpoint: SafetensorsCheckpoint
    let path: String

    /// - Throws: ``ExportError`` for one that is missing, has another shape or type, or has no place in llama.cpp's architecture.
    func tensors() throws -> [GGUFExportModel.Tensor] {
        let stored = try configuration.family.layout.storedNames(checkpoint.names, path: path)
        var rest = Set(stored.keys)
        var tensors: [GGUFExportModel.Tensor] = []
        let entries = family.tensors.filter(isUsed)
        for (entry, layer) in ordered(entries) {
            let name = GGUFTensorName.name(entry.checkpoint, layer: layer)
            guard let original = stored[name], let info = checkpoint.info(original) else {
                throw ExportError("\(path): the tensor '\(name)' is missing; take the whole checkpoint")
            }
            rest.remove(name)
            tensors.append(try tensor(entry, layer, name, info))
        }
        if let name = rest.filter({ !isNeedless($0) }).min() {
            throw ExportError(
                "\(path): llama.cpp's architecture \(family.architecture) has no place for the tensor '\(stored[name] ?? name)' in a "
                    + "model of this config.json; remove it, or take another model")
        }
        return tensors
    }

    /// Tables, then layer by layer, then what follows the layers.
    private func ordered(_ entries: [GGUFTensorName]) -> [(GGUFTensorName, Int)] {
        let whole = entries.filter { !$0.isPerLayer }
        let first = whole.filter { $0.file.contains("_embd") }
        let last = whole.filter { !$0.file.contains("_embd") }
        let layers = (0..<configuration.numHiddenLayers).flatMap { layer in
            entries.filter(\.isPerLayer).map { ($0, layer) }
        }
        return first.map { ($0, 0) } + layers + last.map { ($0, 0) }
    }

    /// True if a model of this configuration has the tensor.
    private func isUsed(_ entry: GGUFTensorName) -> Bool {
        guard entry.isOptional else { return true }
        switch entry.file {
        case "output.weight": return !settings.tiesOutput
        case "blk.#.attn_output.bias": return settings.hasAttentionOutputBias
        case let name where name.hasPrefix("blk.#.attn_"): return settings.hasQueryKeyValueBias
        default: return settings.hasFeedForwardBias
        }
    }

    /// True for tensors that say nothing: masks and frequencies that older versions saved, and the copy of a tied table.
    private func isNeedless(_ name: String) -> Bool {
        [".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"].contains { name.hasSuffix($0) }
            || settings.tiesOutput && name == DecoderNames.output + ".weight"
    }

    private func tensor(
        _ entry: GGUFTensorName, _ layer: Int, _ name: String, _ info: TensorInfo
    ) throws -> GGUFExportModel.Tensor {
        let shape = shape(entry.file)
        let wanted = entry.conversion == .transposed ? shape.reversed() : shape
        guard info.shape == wanted else {
            throw ExportError(
                "\(path): tensor '\(info.name)' has the shape \(info.shape), the configuration needs \(wanted); use the config.json "
                    + "that belongs to these weights")
        }
        guard FloatBytes.types.contains(info.dtype) else {
            throw ExportError(
                "\(path): tensor '\(info.name)' has the type \(info.dtype.rawValue); weights must be F32, F16, BF16 or F64"
            )
        }
        let module = name.split(separator: ".").dropLast().joined(separator: ".")
        return .init(
            name: GGUFTensorName.name(entry.file, layer: layer), stored: info, shape: shape,
            conversion: entry.conversion, module: module)
    }

    /// The shape in the file.
    private func shape(_ pattern: String) -> [Int] {
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let queries = configuration.numAttentionHeads * settings.headSize
        let keys = settings.keyValueHeads * settings.headSize
        let parts = pattern.split(separator: ".").map(String.init)
        let isBias = parts.last == "bias"
        let matrix: [Int] =
            switch parts.dropLast().last {
            case "token_embd", "output": [configuration.vocabSize, width]
            case "position_embd": [configuration.maxPositionEmbeddings, width]
            case "attn_q": [queries, width]
            case "attn_k", "attn_v": [keys, width]
            case "attn_qkv": [3 * width, width]
            case "attn_output": [width, queries]
            case "ffn_gate", "ffn_up": [inner, width]
            case "ffn_down": [width, inner]
            case "attn_q_norm", "attn_k_norm": [settings.headSize]
            default: [width]
            }
        return isBias ? Array(matrix.prefix(1)) : matrix
    }
}
