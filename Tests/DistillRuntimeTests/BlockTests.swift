import CKernels
import TestSupport
import Testing

@testable import DistillRuntime
@testable import GGUF

/// The forms in blocks that the kernels multiply by.
let blockForms: [GGUFTensorType] = [.q40, .q41, .q50, .q51, .q80, .q4K, .q5K, .q6K]

@Suite("Products with weights in blocks")
struct BlockTests {
    /// Rows of blocks of any bits, with scales of an ordinary size.
    private func rows(
        _ type: GGUFTensorType, count: Int, length: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = (0..<count * length / type.blockSize * type.blockBytes).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        for block in stride(from: 0, to: bytes.count, by: type.blockBytes) {
            // Halves between 2^-7 and 2^-5, of either sign.
            func setHalf(_ place: Int) {
                bytes[block + place + 1] =
                    (bytes[block + place + 1] & 0x80) | UInt8.random(in: 0x20...0x27, using: &generator)
            }
            switch type {
            case .q6K: setHalf(208)
            case .q41, .q51, .q4K, .q5K:
                setHalf(0)
                setHalf(2)
            default: setHalf(0)
            }
        }
        return bytes
    }

    /// A weight packed as the kernels multiply by it.
    private func packed(_ type: GGUFTensorType, _ rows: [UInt8], _ outputs: Int, _ inputs: Int, head: Int = 0)
        throws -> AlignedBuffer<UInt8>
    {
        let form = Int32(type.rawValue)
        let buffer = try AlignedBuffer<UInt8>(count: Int(ck_block_bytes(form, Int64(outputs), Int64(inputs))))
        let status = ck_pack_blocks(form, rows, Int64(outputs), Int64(inputs), Int64(head), buffer.pointer)
        #expect(Int(status) == CK_DONE)
        return buffer
    }

    private func product(
        _ type: GGUFTensorType, _ weight: AlignedBuffer<UInt8>, _ input: [Float], outputs: Int, bias: [Float]
    ) -> [Float] {
        let inputs = input.count % 512 == 0 ? 512 : 0
        let count = input.count / inputs
        var output = [Float](repeating: .nan, count: count * outputs)
        var kernel = ck_linear()
        (kernel.inputs, kernel.outputs) = (Int64(inputs), Int64(outputs))
        (kernel.form, kernel.panels) = (Int32(type.rawValue), UnsafePointer(weight.pointer))
        bias.withUnsafeBufferPointer {
            kernel.bias = $0.baseAddress
            #expect(ck_linear_forward(&kernel, Int64(count), input, &output))
        }
        return output
    }

    @Test(
        "are those of the numbers that GGUF's reader makes of them, with the same bits beside any rows and on any number of threads",
        arguments: blockForms)
    func products(_ type: GGUFTensorType) throws {
        let (inputs, outputs, count) = (512, 37, 21)
        var generator = SeededGenerator(seed: UInt64(type.rawValue))
        let rows = rows(type, count: outputs, length: inputs, &generator)
        var weight = [Float](repeating: 0, count: outputs * inputs)
        #expect(
            rows.withUnsafeBytes { bytes in
                type.dequantize(bytes.baseAddress!, count: weight.count / type.blockSize, into: &weight)
            })
        // Whole numbers, of which the largest of each block is 127: rounding changes none of them.
        let input = (0..<count * inputs).map { place -> Float in
            place % 32 == 5 ? 127 : Float(Int.random(in: -127...127, using: &generator))
        }
        let bias = (0..<outputs).map { Float($0) - 11 }
        let packed = try packed(type, rows, outputs, inputs)
        let threads = ck_threads()
        defer { ck_set_threads(threads) }
        let together = product(type, packed, input, outputs: outputs, bias: bias)
        for row in 0..<count {
            for output in 0..<outputs {
                let terms = (0..<inputs).map {
                    Double(weight[output * inputs + $0]) * Double(input[row * inputs + $0])
                }
                let (exact, size) = (terms.reduce(Double(bias[output]), +), terms.map(abs).reduce(0, +))
                // Some 50 sums of float32.
                #expect(abs(Double(together[row * outputs + output]) - exact) <= 1e-6 * size)
            }
        }
        for threads in 1...3 {
            ck_set_threads(Int32(threads))
            #expect(product(type, packed, input, outputs: outputs, bias: bias) == together)
            for range in [0..<1, 3..<5, 4..<13, 20..<21] {
                let part = Array(input[range.lowerBound * inputs..<range.upperBound * inputs])
                #expect(
                    product(type, packed, part, outputs: outputs, bias: bias)
                        == Array(together[range.lowerBound * outputs..<range.upperBound * outputs]))
            }
        }
    }

    @Test("rows of llama.cpp's rotary positions come into transformers' order")
    func rotaryOrder() throws {
        let (inputs, outputs, head) = (64, 24, 8)
        var generator = SeededGenerator(seed: 3)
        let rows = rows(.q80, count: outputs, length: inputs, &generator)
        let bytes = inputs / 32 * 34
        let ordered = (0..<outputs).flatMap { row in
            let own = GGUFConversion.rowInFile(of: row, headSize: head)
            return rows[own * bytes..<(own + 1) * bytes]
        }
        let (left, right) = (
            try packed(.q80, rows, outputs, inputs, head: head), try packed(.q80, ordered, outputs, inputs)
        )
        #expect(left.array == right.array)
    }

    @Test("floats are rounded as GGUF's writer rounds them", arguments: [GGUFTensorType.q80, .q40])
    func rounding(_ type: GGUFTensorType) throws {
        let (inputs, outputs) = (96, 19)
        var generator = SeededGenerator(seed: 5)
        var values = (0..<inputs * outputs).map { _ in Float.random(in: -2...2, using: &generator) }
        // A block of zeros, small numbers, a tie.
        for place in 0..<32 { values[place] = 0 }
        for place in 32..<64 { values[place] *= 1e-7 }
        (values[64], values[65]) = (127, 0.5)
        let form = Int32(type.rawValue)
        var blocks = [UInt8](repeating: 0, count: outputs * inputs / 32 * type.blockBytes)
        #expect(
            blocks.withUnsafeMutableBytes {
                type.quantize(values, count: values.count / 32, into: $0.baseAddress!)
            })
        let expected = try packed(type, blocks, outputs, inputs)
        let made = try AlignedBuffer<UInt8>(count: expected.count)
        try values.withUnsafeBytes { bytes in
            var stored = ck_stored(
                type: Int32(CK_FLOAT32), values: bytes.baseAddress, outputs: Int64(outputs),
                inputs: Int64(inputs), output_stride: Int64(inputs), input_stride: 1, head: 0)
            #expect(Int(ck_quantize_blocks(form, &stored, made.pointer)) == CK_DONE)
            #expect(made.array == expected.array)
            try #require(values.count > 100)
        }
        values[100] = .nan
        values.withUnsafeBytes { bytes in
            var stored = ck_stored(
                type: Int32(CK_FLOAT32), values: bytes.baseAddress, outputs: Int64(outputs),
                inputs: Int64(inputs), output_stride: Int64(inputs), input_stride: 1, head: 0)
            #expect(Int(ck_quantize_blocks(form, &stored, made.pointer)) == CK_NOT_FINITE)
        }
    }

    @Test("rows with a number that is not finite give no finite product", arguments: [Float.nan, .infinity])
    func notFinite(_ bad: Float) throws {
        var generator = SeededGenerator(seed: 6)
        let rows = rows(.q80, count: 16, length: 512, &generator)
        let weight = try packed(.q80, rows, 16, 512)
        var input = [Float](repeating: 1, count: 1024)
        input[700] = bad
        let output = product(.q80, weight, input, outputs: 16, bias: [Float](repeating: 0, count: 16))
        #expect(output[..<16].allSatisfy(\.isFinite) && output[16...].allSatisfy { !$0.isFinite })
    }
}
