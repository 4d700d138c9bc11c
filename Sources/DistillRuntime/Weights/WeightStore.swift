import Architectures
import GGUF
import Safetensors

/// The tensors of a checkpoint, by the model's names, whatever names the file uses. float32 and int8 values stay in the mapped file.
final class WeightStore {
    let path: String
    /// The memory that weights are packed into.
    let arena = WeightArena()
    private let source: WeightSource
    private let storedNames: [String: String]
    private let quantization: QuantizationConfiguration?
    /// From so many bytes on an embedding table is not read to see that its values are finite: it stays on disk but for the rows
    /// that are looked up, and a number that is not finite shows in the logits.
    private static let largeTable = 1 << 20

    convenience init(
        _ checkpoint: SafetensorsCheckpoint, path: String, _ configuration: ModelConfiguration
    ) throws {
        try self.init(.safetensors(checkpoint), path: path, configuration)
    }

    init(_ source: WeightSource, path: String, _ configuration: ModelConfiguration) throws {
        self.source = source
        self.path = path
        storedNames = try configuration.family.layout.storedNames(source.names, path: path)
        quantization = configuration.quantization
        if quantization?.activations == .perTensor {
            throw RuntimeError(
                "\(path): its int8 layers take one scale for a whole batch, for which there is no kernel; quantise the model "
                    + "again with a scale for each token (--activations dynamic-token), or use `distill predict`"
            )
        }
    }

    /// Gives back the memory of the file's pages that reading took.
    func releasePages() { source.releasePages() }

    /// True if the file has its weights in blocks of few bits.
    var hasBlocks: Bool { source.hasBlocks }

    /// Returns true if a module has tensors.
    func holds(_ module: String) -> Bool { storedNames.keys.contains { $0.hasPrefix(module + ".") } }

    /// The values of a tensor as float32.
    ///
    /// - Throws: ``RuntimeError`` where it is missing, has another shape or type, or holds a number that is not finite.
    func values(_ name: String, shape: [Int]) throws -> StoredValues {
        let stored = try entry(name, shape: shape)
        let values: StoredValues
        switch source {
        case .safetensors(let checkpoint):
            let bytes = try checkpoint.bytes(of: stored)
            values = try StoredValues(
                bytes, info(stored, checkpoint), name: stored, path: path, owner: self)
        case .gguf(let model): values = try self.values(tensor(stored, model))
        }
        let isLargeTable = name.hasSuffix("_embeddings.weight") && values.count >= Self.largeTable / 4
        guard isLargeTable || values.areFinite else { throw notFinite(stored) }
        return values
    }

    /// A tensor of floating point as it is stored, whose numbers were not looked at.
    ///
    /// - Throws: ``RuntimeError`` where it is missing, or has another shape or type.
    func tensor(_ name: String, shape: [Int]) throws -> StoredTensor {
        let stored = try entry(name, shape: shape)
        switch source {
        case .safetensors(let checkpoint):
            return try StoredTensor(
                checkpoint.bytes(of: stored), info(stored, checkpoint), path: path, owner: self)
        case .gguf(let model): return try self.stored(tensor(stored, model))
        }
    }

    /// A table whose rows are read one by one, where it is in blocks of few bits; otherwise `nil`.
    ///
    /// - Throws: ``RuntimeError`` where it is missing or has another shape.
    func blockTable(_ name: String, shape: [Int]) throws -> GGUFModelTensor? {
        guard case .gguf(let model) = source else { return nil }
        let tensor = try tensor(entry(name, shape: shape), model)
        return tensor.info.type.blockSize > 1 ? tensor : nil
    }

    /// A linear layer's weight as the file has it.
    ///
    /// - Throws: ``RuntimeError`` where it is missing, or has another shape or type.
    func linear(_ name: String, _ place: DecoderLinear.Place) throws -> LinearWeight {
        if !place.isTransposed, isInt8(name) {
            return .int8(try matrix(name, rows: place.outputs, columns: place.inputs))
        }
        if case .gguf(let model) = source {
            let tensor = try tensor(entry(name, shape: place.shape), model)
            if let blocks = try blocks(tensor, place) { return .blocks(blocks) }
            if let part = try part(tensor, place) { return .stored(part) }
        }
        let tensor = try tensor(name, shape: place.shape)
        let step = place.isTransposed ? 1 : place.inputs
        return .stored(
            StoredMatrixPart(
                tensor: tensor, first: place.first * step, outputStride: step,
                inputStride: place.isTransposed ? place.shape[1] : 1))
    }

    /// True if a tensor is int8 with a scale for each row.
    func isInt8(_ name: String) -> Bool {
        guard quantization != nil, case .safetensors(let checkpoint) = source else { return false }
        return storedNames[name].flatMap(checkpoint.info)?.dtype == .int8
    }

    /// The error of a tensor with a number that is infinite or not a number.
    func notFinite(_ stored: String) -> RuntimeError {
        RuntimeError(
            "\(path): tensor '\(source.fileName(of: stored))' holds a number that is infinite or not a number (NaN): the weights are damaged, "
                + "or their training diverged; take another checkpoint")
    }

    /// The error of a tensor of which a block cannot be rounded: it has a number that is not finite, or one whose scale is beyond halves.
    func notRounded(_ tensor: StoredTensor) -> RuntimeError {
        guard tensor.isFinite else { return notFinite(tensor.name) }
        return RuntimeError(
            "\(path): tensor '\(source.fileName(of: tensor.name))' has numbers too large for blocks of few bits, whose scales are halves; leave "
                + "out --int8 and --int4 (of `distill generate` --weights)")
    }

    /// A matrix, in int8 where the checkpoint stores it so.
    ///
    /// - Throws: ``RuntimeError`` as ``values(_:shape:)``.
    func matrix(_ name: String, rows: Int, columns: Int) throws -> StoredMatrix {
        guard isInt8(name), case .safetensors(let checkpoint) = source, let stored = storedNames[name] else {
            return .float32(try values(name, shape: [rows, columns]))
        }
        _ = try entry(name, shape: [rows, columns])
        let base = String(name.dropLast("weight".count))
        let bytes = try checkpoint.bytes(of: stored)
        guard let start = bytes.baseAddress else {
            throw RuntimeError("\(path): tensor '\(stored)' is empty")
        }
        let scales = try positive(base + "weight_scale", shape: [rows, 1])
        var input: (Float, Int8)?
        if storedNames[base + "input_scale"] != nil {
            input = (
                try positive(base + "input_scale", shape: [1]).pointer[0],
                try zeroPoint(base + "input_zero_point")
            )
        }
        return .int8(
            .init(
                values: start.assumingMemoryBound(to: Int8.self), scales: scales, input: input, owner: self))
    }

    private func positive(_ name: String, shape: [Int]) throws -> StoredValues {
        let scales = try values(name, shape: shape)
        guard (0..<scales.count).allSatisfy({ scales.pointer[$0] > 0 }) else {
            throw RuntimeError(
                "\(path): tensor '\(name)' has a scale that is not a positive number; quantise the model again"
            )
        }
        return scales
    }

    private func zeroPoint(_ name: String) throws -> Int8 {
        let stored = try entry(name, shape: [1])
        guard case .safetensors(let checkpoint) = source, let info = checkpoint.info(stored),
            info.dtype == .int8, let byte = try checkpoint.bytes(of: stored).first
        else {
            throw RuntimeError(
                "\(path): tensor '\(stored)' has the type \(source.info(stored)?.type ?? ""), I8 is needed; quantise the model again"
            )
        }
        return Int8(bitPattern: byte)
    }

    /// What to do where weights and configuration do not fit.
    private var remedy: String {
        switch source {
        case .safetensors: "use the config.json that belongs to these weights"
        case .gguf: "the file contradicts itself, fetch it or convert the model again"
        }
    }

    private func info(_ stored: String, _ checkpoint: SafetensorsCheckpoint) throws -> TensorInfo {
        guard let info = checkpoint.info(stored) else { throw missing(stored) }
        return info
    }

    private func tensor(_ stored: String, _ model: GGUFModel) throws -> GGUFModelTensor {
        guard let tensor = model.tensor(named: stored) else { throw missing(stored) }
        return tensor
    }

    private func missing(_ name: String) -> RuntimeError {
        RuntimeError(
            "\(path): has no tensor '\(name)'; use the weights that belong to this config.json, of a trained model"
        )
    }

    /// The name in the file of a tensor with a shape.
    private func entry(_ name: String, shape: [Int]) throws -> String {
        guard let stored = storedNames[name], let info = source.info(stored) else {
            throw missing(name)
        }
        guard info.shape == shape else {
            throw RuntimeError(
                "\(path): tensor '\(source.fileName(of: stored))' has the shape \(info.shape), the configuration needs \(shape); "
                    + remedy)
        }
        return stored
    }
}
