import Foundation
import TestSupport
import Testing

@testable import GGUF

/// Scales that are searched for, held to plain rules and to searches through very many scales.
@Suite struct SearchTests {
    private static let searched = GGUFTensorType.allCases.filter(\.isSearched)

    /// Floats with a bell's distribution and an outlier now and then, as weights have.
    private static func weights(_ count: Int, seed: UInt64, scale: Float = 0.05) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let sum = (0..<6).reduce(Float(0)) { sum, _ in sum + Float.random(in: -1...1, using: &generator) }
            return sum * scale * (index % 97 == 0 ? 6 : 1)
        }
    }

    private static func search(
        _ type: GGUFTensorType, _ values: [Float], importance: [Float]? = nil
    ) -> (bytes: [UInt8], values: [Float]) {
        let blocks = values.count / type.blockSize
        var bytes = [UInt8](repeating: 0, count: blocks * type.blockBytes)
        var result = [Float](repeating: .nan, count: values.count)
        values.withUnsafeBufferPointer { source in
            bytes.withUnsafeMutableBytes { target in
                result.withUnsafeMutableBufferPointer { result in
                    guard let from = source.baseAddress, let to = target.baseAddress,
                        let back = result.baseAddress
                    else { return }
                    let isDone: Bool
                    if let importance {
                        isDone = importance.withUnsafeBufferPointer {
                            type.search(from, importance: $0.baseAddress, count: blocks, into: to)
                        }
                    } else {
                        isDone = type.search(from, importance: nil, count: blocks, into: to)
                    }
                    #expect(isDone)
                    #expect(type.dequantize(to, count: blocks, into: back))
                }
            }
        }
        return (bytes, result)
    }

    private static func error(_ found: [Float], _ wanted: [Float], _ importance: [Float]? = nil) -> Double {
        zip(found, wanted).enumerated().reduce(0) { sum, pair in
            let difference = Double(pair.element.0) - Double(pair.element.1)
            return sum + difference * difference * Double(importance?[pair.offset] ?? 1)
        }
    }

    @Test(
        "errors are smaller than those of ggml's reference",
        arguments: [GGUFTensorType.q40, .q41, .q50, .q51])
    func reference(_ type: GGUFTensorType) throws {
        let values = Self.weights(32 * 400, seed: 1)
        let blocks = values.count / 32
        var bytes = [UInt8](repeating: 0, count: blocks * type.blockBytes)
        var plain = [Float](repeating: 0, count: values.count)
        values.withUnsafeBufferPointer { source in
            bytes.withUnsafeMutableBytes { target in
                plain.withUnsafeMutableBufferPointer { plain in
                    guard let from = source.baseAddress, let to = target.baseAddress,
                        let back = plain.baseAddress
                    else { return }
                    _ = type.quantize(from, count: blocks, into: to)
                    _ = type.dequantize(to, count: blocks, into: back)
                }
            }
        }
        let found = Self.search(type, values).values
        // Block by block, but for the rounding of the scale to a half.
        for block in 0..<blocks {
            let range = block * 32..<block * 32 + 32
            let (own, other) = (
                Self.error(Array(found[range]), Array(values[range])),
                Self.error(Array(plain[range]), Array(values[range]))
            )
            #expect(own <= other * 1.01, "block \(block)")
        }
        // Of weights with outliers, which decide over their blocks: 0.69 (Q4_1) to 0.95 (Q5_0) of it.
        #expect(Self.error(found, values) < 0.97 * Self.error(plain, values))
    }

    @Test("a symmetric scale is within 1 % of the best of 8,000")
    func symmetric() {
        let values = Self.weights(32 * 12, seed: 2)
        for block in 0..<12 {
            let own = Array(values[block * 32..<block * 32 + 32])
            let extreme = own.map(abs).max() ?? 0
            var best = Double.infinity
            for step in 1...4000 {
                let scale = extreme / 4 * Float(step) / 4000
                for sign: Float in [-1, 1] {
                    let error = own.reduce(0.0) { sum, value in
                        let number = min(max((value / (sign * scale)).rounded(), -8), 7)
                        let difference = Double(value - number * sign * scale)
                        return sum + difference * difference
                    }
                    best = min(best, error)
                }
            }
            let found = Self.error(Self.search(.q40, own).values, own)
            #expect(found <= best * 1.01 + 1e-9, "block \(block)")
        }
    }

    @Test("an affine scale is within 2 % of the best of 14,400")
    func affine() {
        let values = Self.weights(32 * 4, seed: 3)
        for block in 0..<4 {
            let own = Array(values[block * 32..<block * 32 + 32])
            let (low, high) = (own.min() ?? 0, own.max() ?? 0)
            var best = Double.infinity
            for first in 0..<120 {
                for second in 0..<120 {
                    let bottom = low + (high - low) * 0.45 * Float(first) / 120
                    let top = high - (high - low) * 0.45 * Float(second) / 120
                    let scale = (top - bottom) / 15
                    let error = own.reduce(0.0) { sum, value in
                        let number = min(max(((value - bottom) / scale).rounded(), 0), 15)
                        let difference = Double(value - number * scale - bottom)
                        return sum + difference * difference
                    }
                    best = min(best, error)
                }
            }
            #expect(Self.error(Self.search(.q41, own).values, own) <= best * 1.02, "block \(block)")
        }
    }

    /// The root mean square error over the standard deviation: of b bits at best about that of a uniform quantizer of a bell.
    @Test(
        "errors of super-blocks are those of their bits",
        arguments: [
            (GGUFTensorType.q4K, 0.075), (.q5K, 0.038), (.q6K, 0.019),
        ])
    func superBlocks(_ type: GGUFTensorType, _ most: Double) {
        var generator = SeededGenerator(seed: 4)
        let values = (0..<256 * 60).map { _ in
            (0..<12).reduce(Float(0)) { sum, _ in sum + Float.random(in: -0.5...0.5, using: &generator) }
        }
        let found = Self.search(type, values).values
        let relative = (Self.error(found, values) / Self.error(values.map { _ in 0 }, values)).squareRoot()
        #expect(relative < most, "\(relative)")
    }

    @Test(
        "what a block can hold exactly is held exactly",
        arguments: [GGUFTensorType.q40, .q41, .q50, .q51, .q6K])
    func exact(_ type: GGUFTensorType) {
        // Values that the type itself made.
        let first = Self.search(type, Self.weights(type.blockSize * 20, seed: 5))
        let second = Self.search(type, first.values)
        let largest = first.values.map(abs).max() ?? 0
        let error = zip(first.values, second.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(error <= largest * 0.003, "\(error) of \(largest)")
    }

    @Test("blocks of one value, of zeros, of tiny and of large numbers", arguments: searched)
    func extremes(_ type: GGUFTensorType) {
        let size = type.blockSize
        for value: Float in [0, 1, -1, 0.3, -1000, 1e-4, 60_000, -60_000, 1e-30] {
            let found = Self.search(type, [Float](repeating: value, count: size)).values
            for element in found {
                #expect(abs(element - value) <= abs(value) * 0.01 + 1e-6, "\(value): \(element)")
            }
        }
        // A single number among zeros.
        for place in [0, size / 2, size - 1] {
            var values = [Float](repeating: 0, count: size)
            values[place] = -3
            let found = Self.search(type, values).values
            #expect(abs(found[place] + 3) < 0.03, "\(found[place])")
            #expect(found.enumerated().allSatisfy { $0.offset == place || abs($0.element) < 0.02 })
        }
    }

    @Test("an error counts where the importance says so", arguments: searched)
    func importance(_ type: GGUFTensorType) {
        let values = Self.weights(type.blockSize * 40, seed: 6)
        let importance = values.indices.map { $0 % 8 == 3 ? Float(50) : 0.2 }
        let weighed = Self.search(type, values, importance: importance).values
        let plain = Self.search(type, values).values
        #expect(
            Self.error(weighed, values, importance) < 0.9 * Self.error(plain, values, importance))
        #expect(Self.error(plain, values) <= 1.001 * Self.error(weighed, values))
        // The same of all, and nothing of any, is as if nothing were said.
        for same: Float in [0, 1, 7] {
            let found = Self.search(type, values, importance: values.map { _ in same })
            #expect(Self.error(found.values, values) <= Self.error(plain, values) * 1.001)
        }
    }

    @Test("a file has the same bytes on any number of threads, and in pieces", arguments: searched)
    func threads(_ type: GGUFTensorType) throws {
        let columns = 512
        let values = Self.weights(columns * 37, seed: 8)
        let importance = (0..<columns).map { Float($0 % 5) + 0.1 }
        try withTemporaryDirectory { directory in
            var files: [Data] = []
            for threads in [1, 2, 5, 64] {
                let url = directory.appending(path: "x.gguf")
                var tensor = GGUFOutputTensor(name: "t", type: type, shape: [37, columns], values: values)
                tensor.rounding = .search(importance: importance)
                var writer = GGUFWriter(metadata: [], tensors: [tensor])
                writer.threads = threads
                try writer.write(to: url)
                files.append(try Data(contentsOf: url))
            }
            #expect(files.dropFirst().allSatisfy { $0 == files[0] })
            let own = Self.search(
                type, values, importance: (0..<37).flatMap { _ in importance })
            #expect(files[0].suffix(own.bytes.count) == Data(own.bytes) || files[0].count > own.bytes.count)
            let checkpoint = try GGUFCheckpoint(file: directory.appending(path: "x.gguf"))
            #expect(try Fixture.floats(checkpoint, "t") == own.values)
        }
    }

    @Test("an importance of another width is refused, and a type that is not written")
    func refusals() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            var tensor = GGUFOutputTensor(
                name: "t", type: .q4K, shape: [2, 256], values: Self.weights(512, seed: 9))
            tensor.rounding = .search(importance: [1, 2])
            ContainerTests.expectError(
                "tensor \"t\": its rows have 256 elements, but the importance is given of 2"
            ) {
                try GGUFWriter(metadata: [], tensors: [tensor]).write(to: url)
            }
            #expect(!FileManager.default.fileExists(atPath: url.path(percentEncoded: false)))
        }
    }
}
