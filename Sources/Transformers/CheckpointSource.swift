import Files
import Foundation
import Safetensors
import Torch

/// The parameters of a checkpoint by the model's names, whatever names the checkpoint itself uses.
///
/// Models are saved under the model's names, so this is the only place where names are mapped.
final class CheckpointSource: ParameterSource {
    let path: String
    private let checkpoint: SafetensorsCheckpoint
    /// The checkpoint's names, keyed by the model's.
    private let storedNames: [String: String]
    /// Parameters that are left out on purpose, by the model's names.
    private let ignored: Set<String>
    /// The parameters that the model took, by the model's names.
    private(set) var supplied: Set<String> = []
    /// True if parameters stay in the mapped file where possible, rather than being copied.
    var isMapped = false
    /// The scheme by which int8 weights are read; `nil` where there must be none.
    var quantization: QuantizationConfiguration?

    /// - Parameter ignored: Parameters to treat as missing from the checkpoint.
    /// - Throws: ``TransformersError`` where there are no weights, `ArchitectureError` where two tensors are the same
    ///   parameter; `SafetensorsError` where a file is damaged.
    convenience init(directory: URL, layout: ParameterLayout, ignoring ignored: Set<String> = []) throws {
        try Self.requireSafetensors(in: directory)
        try self.init(
            SafetensorsCheckpoint(directory: directory), path: directory.plainPath, layout: layout,
            ignoring: ignored)
    }

    private init(
        _ checkpoint: SafetensorsCheckpoint, path: String, layout: ParameterLayout,
        ignoring ignored: Set<String>
    ) throws {
        storedNames = try layout.storedNames(checkpoint.names, path: path)
        self.path = path
        self.checkpoint = checkpoint
        self.ignored = ignored
    }

    /// The same checkpoint without some parameters.
    func ignoring(_ names: Set<String>, layout: ParameterLayout) throws -> CheckpointSource {
        try CheckpointSource(checkpoint, path: path, layout: layout, ignoring: names)
    }

    /// The shape of a parameter in the checkpoint, or `nil` if it has none of that name.
    func shape(of name: String) -> [Int]? {
        ignored.contains(name) ? nil : storedNames[name].flatMap { checkpoint.info($0)?.shape }
    }

    /// Reports the parameters that the model made from this source did not find, and the tensors it did not
    /// ask for.
    func report(for model: TransformerModel) -> LoadReport {
        LoadReport(
            newlyInitialized: model.parameters.names.filter { !supplied.contains($0) }.sorted(),
            unused: storedNames.filter { !supplied.contains($0.key) }.map(\.value).sorted())
    }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard !ignored.contains(name), let stored = storedNames[name], let info = checkpoint.info(stored)
        else { return nil }
        guard info.shape == shape else { throw mismatch(name, info.shape, shape) }
        guard let dtype = Self.floatingPointTypes[info.dtype] else {
            throw TransformersError(
                "\(path): tensor '\(stored)' has the type \(info.dtype.rawValue); "
                    + "weights must be F32, F16, BF16 or F64, or I8 with a \"quantization_config\" in config.json"
            )
        }
        supplied.insert(name)
        let bytes = try checkpoint.bytes(of: stored)
        if isMapped, dtype == .float32, device.kind == .cpu, !bytes.isEmpty,
            Int(bitPattern: bytes.baseAddress).isMultiple(of: dtype.size)
        {
            let tensor = try Tensor(mapping: bytes, owner: self, shape: shape, dtype: dtype)
            // A large table stays on disk except for the rows that are looked up; numbers in these that are
            // not finite show in the logits.
            if bytes.count < Self.largeTable || !name.hasSuffix("_embeddings.weight") {
                try requireFinite(tensor, stored)
            }
            return tensor
        }
        // One copy, out of the mapped file; other types take a second one to become float32.
        let tensor = try Tensor(bytes: bytes, shape: shape, dtype: dtype)
        try requireFinite(tensor, stored)
        return try tensor.to(.float32, device)
    }

    /// The size in bytes from which a table counts as large.
    private static let largeTable = 1 << 20

    private func requireFinite(_ tensor: Tensor, _ stored: String) throws {
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(path, stored) }
    }

    /// Releases the memory taken by reading the weights.
    func releasePages() { checkpoint.releasePages() }

    /// Returns the checkpoint's entry for a parameter, by the model's name.
    func info(of name: String) -> TensorInfo? { storedNames[name].flatMap { checkpoint.info($0) } }

    /// A tensor that must be there, with this type and shape, by the model's name.
    func tensor(_ name: String, dtype: DType, shape: [Int], device: Device) throws -> Tensor {
        guard let stored = storedNames[name], let info = checkpoint.info(stored) else {
            throw TransformersError(
                "\(path): has no tensor '\(name)', which its int8 weights need; quantise the model again")
        }
        guard info.shape == shape else { throw mismatch(name, info.shape, shape) }
        guard info.dtype == (dtype == .int8 ? .int8 : .float32) else {
            throw TransformersError(
                "\(path): tensor '\(stored)' has the type \(info.dtype.rawValue), \(dtype.rawValue) is needed; quantise "
                    + "the model again")
        }
        supplied.insert(name)
        return try checkpoint.withBytes(of: stored) { try Tensor(bytes: $0, shape: shape, dtype: dtype) }.to(
            device)
    }

    func mismatch(_ name: String, _ found: [Int], _ wanted: [Int]) -> TransformersError {
        TransformersError(
            "\(path): tensor '\(storedNames[name] ?? name)' has the shape \(found), the configuration needs \(wanted); "
                + "use the config.json that belongs to these weights")
    }

    static let floatingPointTypes: [SafetensorsDType: DType] = [
        .float32: .float32, .float16: .float16, .bfloat16: .bfloat16, .float64: .float64,
    ]

    private static func requireSafetensors(in directory: URL) throws {
        func has(_ name: String) -> Bool { directory.appending(path: name).fileExists }
        if has(SafetensorsCheckpoint.fileName) || has(SafetensorsCheckpoint.indexFileName) { return }
        let path = directory.plainPath
        guard has("pytorch_model.bin") || has("pytorch_model.bin.index.json") else {
            throw TransformersError(
                "\(path): has no \(SafetensorsCheckpoint.fileName); give a directory with a model's weights")
        }
        throw TransformersError(
            "\(path): has pytorch_model.bin but no \(SafetensorsCheckpoint.fileName); a pickle can run code, so "
                + "convert it there: python -c \"import torch, safetensors.torch as s; "
                + "s.save_file({k: v.clone() for k, v in torch.load('pytorch_model.bin', weights_only=True)"
                + ".items()}, 'model.safetensors', {'format': 'pt'})\"")
    }
}
