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
    ///   - model: The model to save; int8 weights are written as they are, with their scales.
    ///   - directory: The target, created if it does not exist.
    ///   - dtype: The type of floating-point weights: float32, float16 or bfloat16. Scales stay float32, and a static table has the
    ///     type of its configuration.
    /// - Throws: `FileError` where the disk is full or must not be written; ``TransformersError`` for another type, or a
    ///   weight that float16 cannot hold.
    public static func save(
        _ model: TransformerModel, to directory: URL, dtype: DType = .float32
    ) throws {
        guard let stored = types[dtype] else {
            throw TransformersError(
                "weights are saved as float32, float16 or bfloat16, not \(dtype.rawValue)")
        }
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(directory.plainPath, reason: error.localizedDescription)
        }
        if model.configuration.isTable { return try saveTable(model, to: directory) }
        let (parameters, dense) = parts(of: model)
        let entries = parameters.map { entry in
            let isInteger = !entry.tensor.dtype.isFloatingPoint
            let type: (DType, SafetensorsDType) =
                isInteger ? (.int8, .int8) : entry.isAuxiliary ? (.float32, .float32) : (dtype, stored)
            return SafetensorsWriter.Entry(name: entry.name, dtype: type.1, shape: entry.tensor.shape) {
                body in
                try write(entry, as: type.0, to: body)
            }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        try writeModules(of: model, dense, to: directory)
        var fields = model.configuration.json()
        fields["dtype"] = .string(dtype.rawValue)
        fields[WeightRounding.field] = model.rounded.map { .string($0.rounding.name) }
        let json = JSONValue.object(fields)
        try AtomicFile.write(
            json.serialized(pretty: true, sortedKeys: true) + "\n",
            to: directory.appending(path: "config.json"))
    }

    private static let types: [DType: SafetensorsDType] = [
        .float32: .float32, .float16: .float16, .bfloat16: .bfloat16,
    ]

    /// The number of elements that are copied, or converted, at a time, so that there is no second copy of a
    /// model in memory.
    private static let pieceSize = 1 << 18

    /// Writes a parameter piece by piece.
    ///
    /// - Throws: ``TransformersError`` for numbers that are not finite, or that float16 cannot hold.
    static func write(
        _ entry: ParameterStore.Entry, as dtype: DType, to body: SafetensorsWriter.Entry.Body
    ) throws {
        let count = entry.tensor.count
        guard count > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let flat = try entry.tensor.detached().reshaped([count])
        for start in stride(from: 0, to: count, by: pieceSize) {
            let piece = try flat.narrowed(dimension: 0, start: start, length: min(pieceSize, count - start))
            guard try FiniteWeights.holds(piece) else {
                throw TransformersError(
                    "the weight '\(entry.name)' holds a number that is infinite or not a number (NaN), so the model is not "
                        + "saved; lower --learning-rate where it was trained")
            }
            let converted = try piece.to(dtype, .cpu)
            if dtype == .float16, try !FiniteWeights.holds(converted) {
                throw TransformersError(
                    "the weight '\(entry.name)' is too large for float16; use bfloat16 or float32")
            }
            try converted.bytes().withUnsafeBytes(body)
        }
    }
}
