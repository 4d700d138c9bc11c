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
        let type: Int? =
            switch tensor.info.type {
            case .f32: CK_FLOAT32
            case .f16: CK_FLOAT16
            case .bf16: CK_BFLOAT16
            default: nil
            }
        if let type, tensor.conversion == .none {
            return StoredTensor(
                type, try tensor.bytes(), name: tensor.info.name, owner: self)
        }
        let values = try values(tensor)
        return StoredTensor(
            CK_FLOAT32, UnsafeRawBufferPointer(start: values.pointer, count: 4 * values.count),
            name: tensor.info.name, owner: values.owner)
    }

    /// The rows of a linear layer in a GGUF file, where they are in blocks that the kernels multiply.
    func blocks(_ tensor: GGUFModelTensor, _ place: DecoderLinear.Place) throws -> StoredBlocks? {
        let isWhole = place.first == 0 && tensor.conversion != .transposed
        guard BlockForms.multiplied.contains(tensor.info.type), tensor.info.shape.count == 2,
            isWhole || tensor.conversion == .transposed, tensor.conversion != .normPlusOne,
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
