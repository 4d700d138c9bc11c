import Files
import Foundation
import TestSupport
import Testing

@testable import GGUF

@Suite struct WriterTests {
    private static let metadata: [(key: String, value: GGUFValue)] = [
        ("a", .uint8(200)), ("b", .int8(-100)), ("c", .uint16(60_000)), ("d", .int16(-30_000)),
        ("e", .uint32(4_000_000_000)), ("f", .int32(-2_000_000_000)), ("g", .float32(.pi)),
        ("h", .bool(true)),
        ("i", .string("e\u{301}\u{E9}\n\0")), ("j", .uint64(.max)), ("k", .int64(.min)),
        ("l", .float64(-.nan)),
        ("m", .array(.array([.int8([1]), .string(["", "x"]), .array([])]))),
        ("n", .array(.bool([false, true]))),
        ("o", .array(.uint64([.max, 0]))), ("p", .array(.float64([0.1, .infinity]))),
        ("q", .array(.int16([]))),
    ]

    @Test func whatIsWrittenComesBack() throws {
        let floats = try Fixture.input()
        let types = GGUFTensorType.allCases.filter(\.hasReference)
        try withTemporaryDirectory { directory in
            for alignment in [8, 32, 256] {
                let url = directory.appending(path: "x.gguf")
                try GGUFWriter(
                    metadata: Self.metadata,
                    tensors: types.map {
                        GGUFOutputTensor(name: $0.name, type: $0, shape: [2, 3, 128], values: floats)
                    } + [
                        GGUFOutputTensor(name: "scalar", type: .f32, shape: [], values: [3]),
                        GGUFOutputTensor(name: "none", type: .f16, shape: [4, 0], values: []),
                        GGUFOutputTensor(name: "last", type: .f16, shape: [1], values: [-2]),
                    ], alignment: alignment
                ).write(to: url)
                let checkpoint = try GGUFCheckpoint(file: url)
                #expect(checkpoint.files[0].alignment == alignment)
                for (key, value) in Self.metadata { #expect(checkpoint[key] == value, "\(key)") }
                #expect(checkpoint.tensors.map(\.name) == types.map(\.name) + ["scalar", "none", "last"])
                #expect(checkpoint.tensors.allSatisfy { $0.byteRange.lowerBound % alignment == 0 })
                #expect(try Fixture.floats(checkpoint, "F32") == floats)
                #expect(try Fixture.floats(checkpoint, "scalar") == [3])
                #expect(try Fixture.floats(checkpoint, "last") == [-2])
                for type in types {
                    let bound: Float = [.q40, .q41].contains(type) ? 0.35 : 0.2
                    let found = try Fixture.floats(checkpoint, type.name)
                    #expect(zip(found, floats).allSatisfy { abs($0 - $1) < bound }, "\(type.name)")
                }
            }
        }
    }

    /// Beyond float16's range are such values, and not the scales of their blocks.
    @Test(arguments: [(GGUFTensorType.q80, Float(8_000_000)), (.q40, 450_000), (.q50, 900_000)])
    func largeValues(type: GGUFTensorType, largest: Float) throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            let values = (0..<32).map { largest * Float($0 - 16) / 16 }
            for rounding in [GGUFRounding.reference, .search(importance: nil)] {
                var tensor = GGUFOutputTensor(
                    name: "t", type: type, shape: [32],
                    values: values)
                tensor.rounding = rounding
                try GGUFWriter(metadata: [], tensors: [tensor]).write(to: url)
                let found = try Fixture.floats(GGUFCheckpoint(file: url), "t")
                #expect(abs(found[0] / -largest - 1) < 0.05, "\(found[0])")
                #expect(zip(found, values).allSatisfy { abs($0 - $1) < 0.15 * largest })
            }
        }
    }

    /// llama.cpp's package wrote the fixtures; what it wrote is written again with the same bytes.
    @Test(arguments: [
        "spm.tokens.gguf", "llama-bpe.tokens.gguf", "split-00001-of-00003.gguf", "split-00002-of-00003.gguf",
    ])
    func bytesAreThoseOfTheReference(name: String) throws {
        let file = try GGUFFile(contentsOf: Fixture.url(name))
        let tensors = try file.tensors.map { info in
            try #require(info.type == .f32)
            let bytes = try file.bytes(of: info.name)
            let values = (0..<info.elementCount).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
            return GGUFOutputTensor(name: info.name, type: .f32, shape: info.shape, values: values)
        }
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            try GGUFWriter(metadata: file.metadata, tensors: tensors).write(to: url)
            #expect(try Data(contentsOf: url) == Data(contentsOf: Fixture.url(name)))
        }
    }

    @Test func whatTheFormatDoesNotAllowIsRefused() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            func expect(
                _ part: String, metadata: [(key: String, value: GGUFValue)] = [], alignment: Int = 32,
                _ tensors: GGUFOutputTensor...
            ) {
                ContainerTests.expectError(part) {
                    try GGUFWriter(metadata: metadata, tensors: tensors, alignment: alignment).write(to: url)
                }
                #expect(!FileManager.default.fileExists(atPath: url.path(percentEncoded: false)))
            }
            func tensor(_ name: String, _ type: GGUFTensorType, _ shape: [Int], _ value: Float = 1)
                -> GGUFOutputTensor
            {
                GGUFOutputTensor(
                    name: name, type: type, shape: shape,
                    values: [Float](repeating: value, count: min(1024, shape.reduce(1) { abs($0 &* $1) })))
            }
            expect("key \"a\": is given twice", metadata: [("a", .bool(true)), ("a", .bool(true))])
            expect("is the writer's own", metadata: [("general.alignment", .uint32(32))])
            expect("a key has 1 to", metadata: [("", .bool(true))])
            expect("no power of two", alignment: 24)
            expect("tensor \"t\": is given twice", tensor("t", .f32, [1]), tensor("t", .f32, [1]))
            expect("a name has 1 to 63 bytes", tensor(String(repeating: "t", count: 64), .f32, [1]))
            expect("type Q2_K cannot be written; use one of F32, F16", tensor("t", .q2K, [256]))
            expect("do not fill whole blocks of 32", tensor("t", .q80, [33]))
            expect("at most 4 sizes", tensor("t", .f32, [1, 1, 1, 1, 1]))
            expect("sizes of at least 0", tensor("t", .f32, [-1]))
            expect("too many elements", tensor("t", .f32, [1 << 40, 1 << 40]))
            expect("holds nan, which Q8_0 cannot", tensor("t", .q80, [32], .nan))
            expect("holds 70000.0, which F16 cannot", tensor("t", .f16, [32], 70_000))
            // A scale of float16, times 127, 7 and 15.
            expect("holds 8319009.0, which Q8_0 cannot", tensor("t", .q80, [32], 8_319_009))
            expect("holds 458529.0, which Q4_0 cannot", tensor("t", .q40, [32], 458_529))
            expect("holds 982561.0, which Q5_0 cannot", tensor("t", .q50, [32], 982_561))
            expect("holds inf, which BF16 cannot", tensor("t", .bf16, [32], .infinity))
            expect("are not those of shape", GGUFOutputTensor(name: "t", type: .f32, shape: [3], values: [1]))
        }
    }
}
