/// A linear layer's weight as its file has it.
enum LinearWeight {
    /// Floating point.
    case stored(StoredMatrixPart)
    /// Blocks of few bits.
    case blocks(StoredBlocks)
    /// int8 with a scale for each row.
    case int8(StoredMatrix)
}

/// Where a linear layer's numbers lie in a tensor of floating point.
struct StoredMatrixPart {
    let tensor: StoredTensor
    /// The first number.
    let first: Int
    /// The distances, in numbers, of outputs and of inputs.
    let outputStride: Int
    let inputStride: Int
    /// The rows of a head, where these are in llama.cpp's order of rotary positions; otherwise 0.
    var head = 0
}

/// A linear layer's rows in blocks, where the mapped file has them.
struct StoredBlocks: @unchecked Sendable {
    /// The form, as the kernels and ggml number it.
    let form: Int32
    let rows: UnsafeRawPointer
    /// The rows of a head, where these are in llama.cpp's order of rotary positions; otherwise 0.
    let head: Int
    /// The name in the file.
    let name: String
    /// What keeps the file mapped.
    let owner: AnyObject
}
