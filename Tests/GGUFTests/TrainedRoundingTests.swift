import Files
import Foundation
import TestSupport
import Testing

@testable import GGUF

/// The rounding that training for a type and its export share.
@Suite("Rounding in training") struct TrainedRoundingTests {
    private static let types = GGUFTensorType.allCases.filter(\.isTrained)

    /// Numbers that whole arithmetic makes, so that they are the same everywhere; among them rows of zeros, of one number, of tiny ones
    /// and of one sign.
    private static func weights(_ rows: Int, _ columns: Int) -> [Float] {
        (0..<rows * columns).map { index in
            let mixed = (UInt32(truncatingIfNeeded: index) &* 2_654_435_761) ^ 0x9E37_79B9
            let value = Float(Int32(bitPattern: mixed &* (mixed >> 15 | 1)) >> 8) * 0x1p-26
            switch index / columns {
            case 1: return 0
            case 2: return 0.3
            case 3: return value * 1e-7
            case 4: return abs(value)
            case 5: return -abs(value)
            case 6: return index % 256 < 200 ? 0 : value
            case 7: return index % 97 == 0 ? value * 60 : value
            default: return value
            }
        }
    }

    private static func round(
        _ type: GGUFTensorType, _ weights: [Float], rows: Int
    ) throws -> (values: [Float], bytes: [UInt8]) {
        var values = [Float](repeating: .nan, count: weights.count)
        var bytes = [UInt8](
            repeating: 0, count: weights.count / type.blockSize * type.blockBytes)
        let isDone = weights.withUnsafeBufferPointer { source in
            values.withUnsafeMutableBufferPointer { values in
                bytes.withUnsafeMutableBytes { bytes in
                    type.roundTrained(
                        source.baseAddress!, rows: rows, columns: weights.count / rows,
                        values: values.baseAddress, blocks: bytes.baseAddress)
                }
            }
        }
        try #require(isDone)
        return (values, bytes)
    }

    private static func read(_ type: GGUFTensorType, _ bytes: [UInt8], count: Int) -> [Float] {
        var values = [Float](repeating: .nan, count: count)
        bytes.withUnsafeBytes { bytes in
            values.withUnsafeMutableBufferPointer { values in
                _ = type.dequantize(
                    bytes.baseAddress!, count: count / type.blockSize, into: values.baseAddress!)
            }
        }
        return values
    }

    @Test("values are to the last bit what the reader makes of the blocks", arguments: types)
    func blocks(_ type: GGUFTensorType) throws {
        // Rows that no whole number of blocks at a time fills.
        for (rows, columns) in [(11, 256), (9, 768), (1, 256)] {
            let weights = Self.weights(rows, columns)
            let (values, bytes) = try Self.round(type, weights, rows: rows)
            let found = Self.read(type, bytes, count: weights.count)
            #expect(found.map(\.bitPattern) == values.map(\.bitPattern))
        }
    }

    /// FNV-1a of the blocks, which `default`, AVX2 and AVX-512 give.
    private static let digests: [GGUFTensorType: UInt64] = [
        .f16: 0x863A_1FDB_AB2E_1E21, .q40: 0x4E1B_6ED5_65A5_D297, .q50: 0xD85B_77B2_AD19_3207,
        .q51: 0x7FE1_A93E_1D16_E7A2, .q80: 0xFFEE_1732_5B61_1C0C, .q4K: 0xFE35_A8B2_1B2F_2849,
        .q5K: 0xA776_E7C2_3901_D181, .q6K: 0x087E_B679_94AE_5121,
    ]

    @Test("every instruction set gives the same blocks", arguments: types)
    func digest(_ type: GGUFTensorType) throws {
        let bytes = try Self.round(type, Self.weights(12, 512), rows: 12).bytes
        let digest = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        #expect(digest == Self.digests[type], "\(type.name): \(digest)")
    }

    @Test("Q8_0 and F16 are ggml's reference, other types are nearer to the weights", arguments: types)
    func nearest(_ type: GGUFTensorType) throws {
        let weights = Self.weights(24, 512)
        let (values, bytes) = try Self.round(type, weights, rows: 24)
        var other = [UInt8](repeating: 0, count: bytes.count)
        let blocks = weights.count / type.blockSize
        weights.withUnsafeBufferPointer { source in
            other.withUnsafeMutableBytes {
                if type.hasReference {
                    _ = type.quantize(source.baseAddress!, count: blocks, into: $0.baseAddress!)
                } else {
                    _ = type.search(
                        source.baseAddress!, importance: nil, count: blocks, into: $0.baseAddress!)
                }
            }
        }
        if [.q80, .f16].contains(type) {
            #expect(bytes == other)
        } else {
            // Of the rows that are as weights are.
            func error(_ found: [Float]) -> Double {
                zip(found, weights).dropFirst(8 * 512).reduce(0) { $0 + pow(Double($1.0 - $1.1), 2) }
            }
            let ratio = error(values) / error(Self.read(type, other, count: weights.count))
            // The whole search is better by a few percent.
            #expect(ratio < (type.hasReference ? 0.92 : 1.06), "\(type.name): \(ratio)")
        }
    }

    @Test("a rounded matrix is written as it was rounded", arguments: types)
    func written(_ type: GGUFTensorType) throws {
        let folder = try TemporaryFolder()
        let weights = Self.weights(12, 512)
        var tensor = GGUFOutputTensor(name: "w", type: type, shape: [12, 512], values: weights)
        tensor.rounding = .trained
        let file = folder.url.appending(path: "w.gguf")
        try GGUFWriter(metadata: [("general.architecture", .string("llama"))], tensors: [tensor]).write(
            to: file)
        var found = [Float](repeating: .nan, count: weights.count)
        let checkpoint = try GGUFCheckpoint(file: file)
        try found.withUnsafeMutableBufferPointer { try checkpoint.decode("w", into: $0) }
        #expect(found == (try Self.round(type, weights, rows: 12).values))
    }

    @Test("other types, and rows that blocks do not fill, are not rounded")
    func refused() {
        let weights = Self.weights(1, 256)
        var values = weights
        for (type, columns) in [(GGUFTensorType.q41, 256), (.q4K, 128), (.q80, 40)] {
            let isDone = weights.withUnsafeBufferPointer { source in
                values.withUnsafeMutableBufferPointer {
                    type.roundTrained(
                        source.baseAddress!, rows: 1, columns: columns, values: $0.baseAddress, blocks: nil)
                }
            }
            #expect(!isDone && values == weights)
        }
    }
}
