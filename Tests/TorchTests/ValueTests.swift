import TestSupport
import Testing
import Torch

extension Engine {
    @Suite("Element types, bytes and values")
    struct ValueTests {
        @Test("every type keeps its bytes, in and out", arguments: DType.allCases)
        func bytesRoundTrip(_ dtype: DType) throws {
            var generator = SeededGenerator(seed: 7)
            let shape = [3, 5]
            let bytes = (0..<15 * dtype.size).map { _ in
                // A boolean is 0 or 1; any other pattern is a number (or a NaN whose bits must survive).
                dtype == .bool ? UInt8(generator.next() % 2) : UInt8(truncatingIfNeeded: generator.next())
            }
            let tensor = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: dtype) }
            #expect(tensor.dtype == dtype)
            #expect(tensor.shape == shape)
            #expect(tensor.count == 15)
            #expect(try tensor.bytes() == bytes)
            #expect(try tensor.clone().bytes() == bytes)
            // Through a view with other strides and back.
            #expect(try tensor.transposed().contiguous().transposed().bytes() == bytes)
            #expect(tensor.description == "Tensor(\(dtype.rawValue)[3, 5])")
        }

        @Test("small whole numbers survive every pair of types", arguments: DType.allCases)
        func conversions(_ source: DType) throws {
            for target in DType.allCases {
                let converted = try Tensor([0, 1, 1, 0] as [Int]).to(source).to(target)
                #expect(converted.dtype == target)
                #expect(try converted.array(of: Double.self) == [0, 1, 1, 0], "\(source) to \(target)")
            }
        }

        @Test("Swift arrays keep their values")
        func arrays() throws {
            try expectRoundTrip([UInt8.min, 7, .max])
            try expectRoundTrip([Int8.min, -1, .max])
            try expectRoundTrip([Int16.min, -1, .max])
            try expectRoundTrip([Int32.min, -1, .max])
            try expectRoundTrip([Int64.min, -1, .max])
            try expectRoundTrip([Int.min, -1, .max])
            try expectRoundTrip([Float.leastNonzeroMagnitude, -0.0, .greatestFiniteMagnitude, .infinity])
            try expectRoundTrip([Double.leastNonzeroMagnitude, -0.1, .greatestFiniteMagnitude, .infinity])
            try expectRoundTrip([Float]())
        }

        @Test("half precision types have the bits that their formats say")
        func halfPrecision() throws {
            // 1.5 and -2: IEEE binary16, and the upper half of IEEE binary32.
            let x = try Tensor([1.5, -2] as [Float])
            #expect(try x.to(.float16).bytes() == [0x00, 0x3E, 0x00, 0xC0])
            #expect(try x.to(.bfloat16).bytes() == [0xC0, 0x3F, 0x00, 0xC0])
            // Rounding is to nearest, ties to even; overflow is infinite in float16 only.
            let big = try Tensor([65520, 1 + 1 / 256] as [Float])
            #expect(try big.to(.float16).array(of: Float.self) == [.infinity, 1 + 1 / 256])
            #expect(try big.to(.bfloat16).array(of: Float.self) == [65536, 1])
        }

        @Test("sizes of the types")
        func sizes() {
            #expect(DType.allCases.map(\.size) == [1, 1, 1, 2, 4, 8, 2, 2, 4, 8])
            #expect(
                DType.allCases.filter(\.isFloatingPoint) == [.float16, .bfloat16, .float32, .float64])
        }

        @Test("zeros, ones, full and ranges")
        func creation() throws {
            #expect(try Tensor.zeros([2, 2]).array(of: Float.self) == [0, 0, 0, 0])
            #expect(try Tensor.ones([2], dtype: .int32).array(of: Int32.self) == [1, 1])
            #expect(try Tensor.full([3], -2.5, dtype: .float64).array(of: Double.self) == [-2.5, -2.5, -2.5])
            #expect(try Tensor.arange(4).array(of: Int.self) == [0, 1, 2, 3])
            #expect(try Tensor.arange(3, dtype: .float32).dtype == .float32)
            #expect(try Tensor.zeros([2, 0, 3]).count == 0)
            #expect(try Tensor.zeros([2, 0, 3]).bytes() == [])
            let scalar = try Tensor(Float(3))
            #expect(scalar.shape == [] && scalar.rank == 0 && scalar.count == 1)
            #expect(try scalar.item() == 3)
            #expect(try Tensor([true, false].map { $0 ? UInt8(1) : 0 }).to(.bool)[0].item() == 1)
            let like = try Tensor.ones([2, 3], dtype: .float16).zerosLike()
            #expect(like.shape == [2, 3] && like.dtype == .float16)
        }

        @Test("random numbers depend on the seed alone and have the asked-for distribution")
        func randomNumbers() throws {
            #expect(try Tensor.normal([50], seed: 3).bytes() == Tensor.normal([50], seed: 3).bytes())
            #expect(try Tensor.normal([50], seed: 3).bytes() != Tensor.normal([50], seed: 4).bytes())
            #expect(try Tensor.uniform([50], seed: 3).bytes() == Tensor.uniform([50], seed: 3).bytes())
            #expect(try Tensor.uniform([50], seed: 3).bytes() != Tensor.uniform([50], seed: 4).bytes())

            let count = 40_000.0
            let normal = try Tensor.normal([40_000], mean: 2, standardDeviation: 0.5, seed: 11).to(.float64)
            #expect(abs(try normal.mean().item() - 2) < 5 * 0.5 / count.squareRoot())
            let variance = try (normal - 2).square().mean().item()
            #expect(abs(variance - 0.25) < 5 * 0.25 * (2 / count).squareRoot())

            let uniform = try Tensor.uniform([40_000], low: -1, high: 3, seed: 11)
            #expect(try uniform.min().item() >= -1)
            #expect(try uniform.max().item() < 3)
            #expect(abs(try uniform.mean().item() - 1) < 5 * 4 / (12 * count).squareRoot())
        }

        @Test("copy and fill overwrite in place")
        func inPlace() throws {
            let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
            try x[1].fill(9)
            #expect(try x.array(of: Float.self) == [1, 2, 9, 9])
            try x.copy(from: try Tensor([5, 6, 7, 8] as [Double], shape: [2, 2]))
            #expect(try x.array(of: Float.self) == [5, 6, 7, 8])
            let copy = try x.clone()
            try x.fill(0)
            #expect(try copy.array(of: Float.self) == [5, 6, 7, 8])
        }

        private func expectRoundTrip<Element: TensorElement & Equatable>(_ values: [Element]) throws {
            let tensor = try Tensor(values)
            #expect(tensor.dtype == Element.dtype)
            #expect(try tensor.array(of: Element.self) == values)
        }
    }
}
