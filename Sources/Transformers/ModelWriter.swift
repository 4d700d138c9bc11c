import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Saves models as Hugging Face directories.
public enum ModelWriter {
    /// Writes `config.json` and `model.safetensors` (or shards with an index, from 5 GB on), as
    /// `save_pretrained` does, under transformers' names.
    ///
    /// - Parameters:
    ///   - model: What is saved; int8 weights as they are, with their scales.
    ///   - directory: Made if it is not there.
    ///   - dtype: The type of floating-point weights: float32, float16 or bfloat16. Scales stay float32.
    /// - Throws: `FileError` where the disk is full or must not be written; ``TransformersError`` for another type, or a
    ///   weight that float16 cannot hold.
    public static func save(
        _ model: any SequenceClassifier, to directory: URL, dtype: DType = .float32
    ) throws {
        guard let stored = types[dtype] else {
            throw TransformersError("weights are saved as float32, float16 or bfloat16, not \(dtype.rawValue)")
        }
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(directory.plainPath, reason: error.localizedDescription)
        }
        let entries = model.parameters.entries.map { entry in
            let isInteger = !entry.tensor.dtype.isFloatingPoint
            let type: (DType, SafetensorsDType) =
                isInteger ? (.int8, .int8) : entry.isAuxiliary ? (.float32, .float32) : (dtype, stored)
            return SafetensorsWriter.Entry(name: entry.name, dtype: type.1, shape: entry.tensor.shape) {
                body in
                let converted = try entry.tensor.to(type.0, .cpu)
                if type.0 == .float16, try !isFinite(converted) {
                    throw TransformersError(
                        "the weight '\(entry.name)' is too large for float16; use bfloat16 or float32")
                }
                try converted.bytes().withUnsafeBytes(body)
            }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        var fields = model.configuration.json()
        fields["dtype"] = .string(dtype.rawValue)
        let json = JSONValue.object(fields)
        try AtomicFile.write(
            json.serialized(pretty: true, sortedKeys: true) + "\n",
            to: directory.appending(path: "config.json"))
    }

    private static let types: [DType: SafetensorsDType] = [
        .float32: .float32, .float16: .float16, .bfloat16: .bfloat16,
    ]

    private static func isFinite(_ tensor: Tensor) throws -> Bool {
        try tensor.count == 0 || tensor.to(.float32).absolute().max().item().isFinite
    }
}
