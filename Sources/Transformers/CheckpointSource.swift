import Foundation
import Safetensors
import Torch

/// The parameters of a checkpoint by transformers' names, whatever the checkpoint's own way of naming them.
///
/// One map leads from a checkpoint's names to the model's: checkpoints of the bare encoder have no `bert.`
/// prefix, and very old ones call a layer norm's weight and bias `gamma` and `beta`. What is saved has the
/// model's names.
final class CheckpointSource: ParameterSource {
    private let checkpoint: SafetensorsCheckpoint
    /// By the model's name, the checkpoint's.
    private let names: [String: String]
    private var used: Set<String> = []
    /// Heads of other sizes are left out, so that they are initialised anew.
    private let ignoringHead: Bool

    init(directory: URL, ignoringHead: Bool = false) throws {
        let file = directory.appending(path: SafetensorsCheckpoint.fileName)
        let index = directory.appending(path: SafetensorsCheckpoint.indexFileName)
        let manager = FileManager.default
        guard manager.fileExists(atPath: file.path) || manager.fileExists(atPath: index.path) else {
            let pickle = manager.fileExists(atPath: directory.appending(path: "pytorch_model.bin").path)
            throw TransformersError(
                "\(directory.path) has no model.safetensors"
                    + (pickle
                        ? "; its pytorch_model.bin is a pickle, which could run code: open it in Python with "
                            + "from_pretrained and save_pretrained it"
                        : " nor a model.safetensors.index.json"))
        }
        checkpoint = try SafetensorsCheckpoint(directory: directory)
        names = Dictionary(checkpoint.names.map { (Self.modelName($0), $0) }) { first, _ in first }
        self.ignoringHead = ignoringHead
    }

    /// The model's name of a checkpoint's tensor.
    static func modelName(_ name: String) -> String {
        var name = name
        if name.hasSuffix("LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix("LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        let bare = ["embeddings.", "encoder.", "pooler."].contains { name.hasPrefix($0) }
        return bare ? "bert." + name : name
    }

    /// Tensors of the checkpoint that the model did not ask for.
    var unused: [String] {
        checkpoint.names.filter { !used.contains($0) && !$0.hasSuffix("position_ids") }.sorted()
    }

    /// The shape of a tensor by the model's name.
    func shape(of name: String) -> [Int]? { names[name].flatMap { checkpoint.info($0)?.shape } }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let stored = names[name], let info = checkpoint.info(stored) else { return nil }
        if ignoringHead, name.hasPrefix("classifier.") { return nil }
        used.insert(stored)
        guard info.shape == shape else {
            throw TransformersError(
                "tensor '\(stored)' has shape \(info.shape) in the checkpoint, \(shape) by the configuration; "
                    + "use the config.json that belongs to these weights")
        }
        guard let dtype = DType(info.dtype), dtype.isFloatingPoint else {
            throw TransformersError(
                "tensor '\(stored)' has the type \(info.dtype.rawValue); weights must be F32, F16, BF16 or F64"
            )
        }
        return try Tensor(bytes: checkpoint.bytes(of: stored), shape: shape, dtype: dtype).to(
            .float32, device)
    }
}

extension DType {
    init?(_ type: SafetensorsDType) {
        switch type {
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .float64: self = .float64
        default: return nil
        }
    }
}
