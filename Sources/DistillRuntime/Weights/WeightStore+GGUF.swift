import CKernels
import GGUF

extension WeightStore {
    /// The values of a tensor of a GGUF file.
    func values(_ tensor: GGUFModelTensor) throws -> StoredValues {
        let buffer = try AlignedBuffer<Float>(count: tensor.elementCount)
        try tensor.fill(UnsafeMutableBufferPointer(start: buffer.pointer, count: buffer.count))
        return StoredValues(buffer)
    }

    /// A tensor of a GGUF file in floating point: where the file has it, or a copy where its rows are in another order there, or where it
    /// is in a form that the kernels do not multiply.
    func stored(_ tensor: GGUFModelTensor) throws -> StoredTensor {
        if tensor.conversion == .none, let raw = try raw(tensor) { return raw }
        let values = try values(tensor)
        return StoredTensor(
            CK_FLOAT32, UnsafeRawBufferPointer(start: values.pointer, count: 4 * values.count),
            name: tensor.info.name, owner: values.owner)
    }

    /// A tensor of a GGUF file where the file has it, its rows in the file's order; `nil` where it is not in floating point.
    private func raw(_ tensor: GGUFModelTensor) throws -> StoredTensor? {
        let type: Int? =
            switch tensor.info.type {
            case .f32: CK_FLOAT32
            case .f16: CK_FLOAT16
            case .bf16: CK_BFLOAT16
            default: nil
            }
        return try type.map { StoredTensor($0, try tensor.bytes(), name: tensor.info.name, owner: self) }
    }

    /// True if the rows of a linear layer in a GGUF file can be read where the file has them: a matrix (outputs, inputs) there.
    private func hasRows(_ tensor: GGUFModelTensor, _ place: DecoderLinear.Place) -> Bool {
        tensor.info.shape.count == 2 && (place.first == 0 || tensor.conversion == .transposed)
            && tensor.conversion != .normPlusOne
    }

    /// The numbers of a linear layer in a GGUF file, where they are in floating point.
    func part(_ tensor: GGUFModelTensor, _ place: DecoderLinear.Place) throws -> StoredMatrixPart? {
        guard hasRows(tensor, place), let raw = try raw(tensor) else { return nil }
        return StoredMatrixPart(
            tensor: raw, first: place.first * place.inputs, outputStride: place.inputs, inputStride: 1,
            head: tensor.rotaryHead)
    }

    /// The rows of a linear layer in a GGUF file, where they are in blocks that the kernels multiply.
    func blocks(_ tensor: GGUFModelTensor, _ place: DecoderLinear.Place) throws -> StoredBlocks? {
        guard BlockForms.multiplied.contains(tensor.info.type), hasRows(tensor, place),
            let start = try tensor.bytes().baseAddress
        else { return nil }
        return StoredBlocks(
            form: Int32(tensor.info.type.rawValue), rows: start + place.first * tensor.info.rowBytes,
            head: tensor.rotaryHead, name: tensor.info.name, owner: self)
    }
}

/// The forms in blocks that the kernels multiply by.
enum BlockForms {
    static let multiplied: Set<GGUFTensorType> = [.q40, .q41, .q50, .q51, .q80, .q4K, .q5K, .q6K]
}
