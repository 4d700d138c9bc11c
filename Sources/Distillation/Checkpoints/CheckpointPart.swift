import Files
import Foundation
import Safetensors
import Torch

/// Tensors of a run's state that lie in a file of their own.
struct CheckpointPart {
    /// The file's name.
    let file: String
    let tensors: [String: Tensor]

    static let model = "model.safetensors"
    static let optimizer = "optimizer.safetensors"
    static let averages = "averages.safetensors"
    static let objectives = "objectives.safetensors"
    static let best = "best.safetensors"
    /// The file of a training that is done.
    static func finished(_ name: String) -> String { "\(name).safetensors" }

    /// The prefix of a weight among a result's tensors, and the name of its logits for the validation data.
    private static let (weight, logits) = ("parameter.", "validation_logits")
    /// The prefixes of AdamW's moments, as PyTorch names them.
    private static let (first, second) = ("exp_avg.", "exp_avg_sq.")

    // MARK: - From a state

    /// The parts of a run's state.
    static func all(_ state: RunState) throws -> [CheckpointPart] {
        var parts = try state.finished.map {
            CheckpointPart(
                file: finished($0.name), tensors: try result($0.parameters, $0.outcome.validation))
        }
        guard let (_, current) = state.current else { return parts }
        if let best = current.best {
            parts.append(
                CheckpointPart(
                    file: Self.best, tensors: try result(best.parameters, best.logits)))
        }
        guard let trainer = current.trainer else { return parts }
        parts.append(CheckpointPart(file: model, tensors: trainer.parameters))
        var moments = prefixed(first, trainer.optimizer.firstMoments)
        moments.merge(prefixed(second, trainer.optimizer.secondMoments)) { first, _ in first }
        parts.append(CheckpointPart(file: optimizer, tensors: moments))
        if let own = trainer.averages { parts.append(CheckpointPart(file: averages, tensors: own.averages)) }
        if !trainer.learned.isEmpty {
            parts.append(CheckpointPart(file: objectives, tensors: trainer.learned))
        }
        return parts
    }

    private static func result(_ parameters: [String: Tensor], _ logits: Logits?) throws -> [String: Tensor] {
        var tensors = prefixed(weight, parameters)
        tensors[Self.logits] = try logits?.tensor()
        return tensors
    }

    private static func prefixed(_ prefix: String, _ tensors: [String: Tensor]) -> [String: Tensor] {
        Dictionary(tensors.map { (prefix + $0.key, $0.value) }) { first, _ in first }
    }

    // MARK: - To a state

    /// The weights and the logits of a result's tensors.
    func result() throws -> (parameters: [String: Tensor], logits: Logits?) {
        let logits = try tensors[Self.logits].map {
            Logits(values: try $0.array(), classes: $0.shape.last ?? 0)
        }
        return (without(Self.weight), logits)
    }

    /// AdamW's moments.
    func moments() -> (first: [String: Tensor], second: [String: Tensor]) {
        (without(Self.first), without(Self.second))
    }

    private func without(_ prefix: String) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, tensor) in tensors where name.hasPrefix(prefix) {
            result[String(name.dropFirst(prefix.count))] = tensor
        }
        return result
    }

    // MARK: - Files

    private static let types: [DType: SafetensorsDType] = [
        .float32: .float32, .float16: .float16, .bfloat16: .bfloat16, .int8: .int8, .int64: .int64,
    ]

    /// Writes the tensors.
    ///
    /// - Throws: `FileError` where the disk is full or must not be written.
    func write(to directory: URL) throws {
        let entries = try tensors.map { name, tensor in
            guard let type = Self.types[tensor.dtype] else {
                throw DistillationError(
                    "the checkpoint's tensor '\(name)' has the type \(tensor.dtype.rawValue), which has no place in its file"
                )
            }
            return SafetensorsWriter.Entry(name: name, dtype: type, shape: tensor.shape) { body in
                try tensor.to(.cpu).bytes().withUnsafeBytes(body)
            }
        }
        try SafetensorsWriter.write(entries, to: directory.appending(path: file))
    }

    /// Reads a file; nothing of it stays mapped.
    ///
    /// - Throws: `SafetensorsError` or `FileError`.
    init(reading file: String, in directory: URL) throws {
        let source = try SafetensorsFile(contentsOf: directory.appending(path: file))
        var tensors: [String: Tensor] = [:]
        for info in source.tensors {
            guard let type = Self.types.first(where: { $0.value == info.dtype })?.key else {
                throw DistillationError(
                    "\(source.path): the tensor '\(info.name)' has the type \(info.dtype.rawValue), which checkpoints do not have"
                )
            }
            tensors[info.name] = try source.withBytes(of: info.name) {
                try Tensor(bytes: $0, shape: info.shape, dtype: type)
            }
        }
        self.init(file: file, tensors: tensors)
    }

    init(file: String, tensors: [String: Tensor]) { (self.file, self.tensors) = (file, tensors) }
}
