import Architectures
import CKernels
import Safetensors

/// A dense layer behind a pooling, as sentence-transformers' `Dense`.
final class DenseStage: @unchecked Sendable {
    private let layer: SentenceTransformer.Dense
    private let weight: StoredValues
    private let bias: StoredValues

    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit; the errors of the weights' file.
    init(_ layer: SentenceTransformer.Dense) throws {
        self.layer = layer
        let tensors = try StageTensors(layer.path)
        weight = try tensors.values("linear.weight", shape: [layer.outputs, layer.inputs])
        if layer.hasBias {
            bias = try tensors.values("linear.bias", shape: [layer.outputs])
        } else {
            let zeros = try AlignedBuffer<Float>(count: layer.outputs)
            zeros.pointer.update(repeating: 0, count: layer.outputs)
            bias = StoredValues(zeros)
        }
    }

    /// (R, inputs) → (R, outputs)
    func callAsFunction(_ vectors: [Float]) throws -> [Float] {
        let rows = vectors.count / layer.inputs
        guard rows > 0 else { return [] }
        let output = try AlignedBuffer<Float>(count: rows * layer.outputs)
        let isDone = vectors.withUnsafeBufferPointer { input in
            ck_rows_linear(
                Int64(rows), Int64(layer.inputs), Int64(layer.outputs), input.baseAddress, weight.pointer,
                bias.pointer, output.pointer)
        }
        try require(isDone)
        layer.activation?.apply(to: output)
        return withExtendedLifetime(output) {
            Array(UnsafeBufferPointer(start: output.pointer, count: output.count))
        }
    }
}

/// The tensors of a module's own file.
final class StageTensors {
    private let checkpoint: SafetensorsCheckpoint
    private let path: String

    init(_ path: String) throws {
        self.path = path
        checkpoint = try SafetensorsCheckpoint(directory: path)
    }

    func shape(_ name: String) -> [Int]? { checkpoint.info(name)?.shape }

    func dtype(_ name: String) -> String? { checkpoint.info(name)?.dtype.rawValue }

    /// The bytes of a tensor.
    func bytes(_ name: String) throws -> UnsafeRawBufferPointer { try checkpoint.bytes(of: name) }

    /// - Throws: ``RuntimeError`` where it is missing, has another shape or type, or holds a number that is not finite.
    func values(_ name: String, shape: [Int]) throws -> StoredValues {
        guard let info = checkpoint.info(name) else {
            throw RuntimeError("\(path): has no tensor '\(name)'; copy the whole directory of the model")
        }
        guard info.shape == shape else {
            throw RuntimeError(
                "\(path): tensor '\(name)' has the shape \(info.shape), the files beside it need \(shape); use those that "
                    + "belong together")
        }
        let values = try StoredValues(
            try checkpoint.bytes(of: name), info, name: name, path: path, owner: self)
        guard values.areFinite else {
            throw RuntimeError(
                "\(path): tensor '\(name)' holds a number that is infinite or not a number (NaN); take another checkpoint"
            )
        }
        return values
    }
}
