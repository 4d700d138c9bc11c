import Testing

@testable import Torch

/// Products of packed operands, on whichever instruction set the kernels were chosen for.
@Suite("Packed product")
struct PackedProductTests {
    /// Sizes around those of panels, tiles and vectors.
    static let lengths = [1, 2, 15, 31, 32, 33, 63, 64, 70, 100, 257]
    static let columns = [1, 15, 16, 17, 31, 33, 64, 65, 100]

    /// Numbers of up to 7 bits, whose products sum without rounding.
    private func whole(_ rows: Int, _ length: Int, seed: Int) throws -> ([Double], Tensor) {
        let values = (0..<rows * length).map { Double(($0 &* 7919 &+ seed &* 104_729) % 201 - 100) }
        return (values, try Tensor(values.map { Float($0) }, shape: [rows, length]))
    }

    @Test("every element is exact where no sum is rounded", arguments: [DType.float32, .bfloat16])
    func exact(dtype: DType) throws {
        let most = 70
        for length in Self.lengths {
            for columns in Self.columns {
                let (left, leftTensor) = try whole(most, length, seed: 1)
                let (right, rightTensor) = try whole(columns, length, seed: 2)
                var expected = [Float](repeating: 0, count: most * columns)
                for row in 0..<most {
                    for column in 0..<columns {
                        var sum = 0.0
                        for place in 0..<length {
                            sum += left[row * length + place] * right[column * length + place]
                        }
                        expected[row * columns + column] = Float(sum)
                    }
                }
                for rows in [1, 2, 13, 14, 15, 16, 17, 28, 31, 32, 33, 47, 48, 49, 64, 65, most] {
                    let some = try leftTensor[0..<rows].contiguous()
                    let product: [Float] = try PackedKernels.product(some, rightTensor, dtype).array()
                    #expect(
                        product == Array(expected[..<(rows * columns)]), "\(rows) × \(length) × \(columns)")
                }
            }
        }
    }

    @Test("rounding stays that of float32 sums", arguments: [DType.float32, .bfloat16])
    func rounding(dtype: DType) throws {
        for (rows, length, columns) in [(70, 257, 100), (33, 1536, 65), (5, 70, 17), (16, 33, 384)] {
            // Rounded once, so that the operands are those that are multiplied.
            let left = try Tensor.normal([rows, length], standardDeviation: 1, seed: 3).to(dtype).to(.float32)
            let right = try Tensor.normal([columns, length], standardDeviation: 1, seed: 4).to(dtype).to(
                .float32)
            let (x, y): ([Float], [Float]) = (try left.array(), try right.array())
            let product: [Float] = try PackedKernels.product(left, right, dtype).array()
            for row in 0..<rows {
                for column in 0..<columns {
                    var (sum, size) = (0.0, 0.0)
                    for place in 0..<length {
                        let term = Double(x[row * length + place]) * Double(y[column * length + place])
                        sum += term
                        size += abs(term)
                    }
                    #expect(abs(Double(product[row * columns + column]) - sum) < 2e-6 * size)
                }
            }
        }
    }

    @Test("a row's bits do not depend on the rows beside it", arguments: [DType.float32, .bfloat16])
    func independence(dtype: DType) throws {
        let (length, columns) = (77, 70)
        let left = try Tensor.normal([70, length], standardDeviation: 1, seed: 5)
        let right = try Tensor.normal([columns, length], standardDeviation: 1, seed: 6)
        let all: [Float] = try PackedKernels.product(left, right, dtype).array()
        for rows in 1...70 {
            let some: [Float] = try PackedKernels.product(left[0..<rows].contiguous(), right, dtype).array()
            #expect(some == Array(all[..<(rows * columns)]), "\(rows) rows")
            let last: [Float] = try PackedKernels.product(left[rows - 1..<rows].contiguous(), right, dtype)
                .array()
            #expect(last == Array(all[(rows - 1) * columns..<rows * columns]), "row \(rows - 1) alone")
        }
    }
}
