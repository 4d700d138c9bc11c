import CKernels

/// A linear layer's weight as the kernels multiply by it, packed once; int8 or float32.
final class PackedLinear: @unchecked Sendable {
    /// What the kernels take; its pointers live as long as this object.
    let kernel: ck_linear
    private let words: AlignedBuffer<UInt32>
    private let sums: AlignedBuffer<Int32>?
    private let bias: StoredValues
    /// The int8 scales, which the kernel reads where they are stored; `nil` of float32, which is read packed.
    private let matrix: StoredMatrix?

    var isInt8: Bool { kernel.is_int8 }

    /// - Parameter usesBFloat16: True to pack a weight of floating point in bfloat16, for layers that multiply so.
    /// - Throws: ``RuntimeError`` where there is no memory.
    init(
        _ matrix: StoredMatrix, bias: StoredValues, inputs: Int, outputs: Int, usesBFloat16: Bool = false
    ) throws {
        self.bias = bias
        var kernel = ck_linear()
        (kernel.inputs, kernel.outputs) = (Int64(inputs), Int64(outputs))
        kernel.bias = bias.pointer
        switch matrix {
        case .float32(let values):
            let packed = try AlignedBuffer<UInt32>(
                count: Int(ck_packed_words(usesBFloat16, Int64(outputs), Int64(inputs))))
            words = packed
            sums = nil
            try withExtendedLifetime(values) {
                try require(
                    ck_pack(usesBFloat16, values.pointer, Int64(outputs), Int64(inputs), packed.pointer))
            }
            self.matrix = nil
        case .int8(let int8):
            words = try AlignedBuffer(count: Int(ck_int8_words(Int64(outputs), Int64(inputs))))
            let sums = try AlignedBuffer<Int32>(count: outputs)
            try require(ck_pack_int8(int8.values, Int64(outputs), Int64(inputs), words.pointer, sums.pointer))
            kernel.is_int8 = true
            kernel.scales = int8.scales.pointer
            kernel.sums = UnsafePointer(sums.pointer)
            if let input = int8.input {
                kernel.is_fixed = true
                (kernel.input_scale, kernel.input_zero) = (input.scale, Int32(input.zeroPoint))
            }
            self.sums = sums
            self.matrix = matrix
        }
        kernel.words = UnsafePointer(words.pointer)
        self.kernel = kernel
    }

    /// (rows, inputs) → (rows, outputs)
    func callAsFunction(_ input: UnsafePointer<Float>, rows: Int) throws -> AlignedBuffer<Float> {
        let output = try AlignedBuffer<Float>(count: rows * Int(kernel.outputs))
        try withUnsafePointer(to: kernel) { kernel in
            try withExtendedLifetime(self) {
                try require(ck_linear_forward(kernel, Int64(rows), input, output.pointer))
            }
        }
        return output
    }
}
