import Files
import Foundation
import JSON
import Testing

@testable import GGUF

@Suite struct TypesTests {
    @Test func everyTypeIsDecodedToTheLastBit() throws {
        let checkpoint = try GGUFCheckpoint(file: Fixture.url("types.gguf"))
        let expected = try #require(Fixture.json("types.json")["tensors"]?.objectValue)
        #expect(expected.count == 18)
        for (name, value) in expected {
            let floats = try Fixture.floats(checkpoint, name)
            #expect(Fixture.digest(floats) == value.objectValue?["values"]?.stringValue, "\(name)")
            // Row by row.
            let columns = try #require(checkpoint.info(name)).columns
            for row in 0..<3 {
                var part = [Float](repeating: 0, count: columns)
                try part.withUnsafeMutableBufferPointer {
                    try checkpoint.decode(name, rows: row..<row + 1, into: $0)
                }
                #expect(part == Array(floats[row * columns..<(row + 1) * columns]), "\(name)")
            }
        }
    }

    @Test func quantizedBytesAreThoseOfTheReference() throws {
        let expected = try #require(Fixture.json("types.json")["tensors"]?.objectValue)
        let floats = try Fixture.input()
        for type in GGUFTensorType.allCases where type.hasReference {
            let blocks = floats.count / type.blockSize
            var bytes = [UInt8](repeating: 0, count: blocks * type.blockBytes)
            let isDone = floats.withUnsafeBufferPointer { source in
                bytes.withUnsafeMutableBytes { target in
                    source.baseAddress.flatMap { from in
                        target.baseAddress.map { type.quantize(from, count: blocks, into: $0) }
                    }
                }
            }
            #expect(isDone == true)
            let found = Digest.sha256(bytes)
            #expect(found == expected[type.name]?.objectValue?["bytes"]?.stringValue, "\(type.name)")
        }
    }

    @Test func unknownQuantizationNamesTypeAndTensor() throws {
        let checkpoint = try GGUFCheckpoint(file: Fixture.url("types.gguf"))
        ContainerTests.expectError(
            "tensor \"unreadable\": is quantized as IQ2_XXS, which is not supported; use a file with one of F32, F16, Q4_0"
        ) { try Fixture.floats(checkpoint, "unreadable") }
        var room: [Float] = [0]
        room.withUnsafeMutableBufferPointer { room in
            ContainerTests.expectError("do not fit 1 elements") { try checkpoint.decode("Q4_0", into: room) }
            ContainerTests.expectError("has 3 rows") { try checkpoint.decode("F32", rows: 2..<4, into: room) }
            ContainerTests.expectError("is not in this file") { try checkpoint.decode("F33", into: room) }
        }
    }

    @Test func sixteenBitPatternsAreTaken() throws {
        let checkpoint = try GGUFCheckpoint(file: Fixture.url("types.gguf"))
        for (name, value) in [("F16", HalfPrecision.float(half:)), ("BF16", HalfPrecision.float(brain:))] {
            var patterns = [UInt16](repeating: 0, count: 768)
            try patterns.withUnsafeMutableBufferPointer { try checkpoint.patterns(name, into: $0) }
            #expect(patterns.map(value) == (try Fixture.floats(checkpoint, name)))
        }
        var patterns = [UInt16](repeating: 0, count: 768)
        patterns.withUnsafeMutableBufferPointer { room in
            ContainerTests.expectError("is F32, not 16-bit numbers") {
                try checkpoint.patterns("F32", into: room)
            }
        }
    }

    @Test func everyHalfComesBack() {
        for pattern in UInt16.min...UInt16.max {
            let float = HalfPrecision.float(half: pattern)
            #expect(float.isNaN == (pattern & 0x7FFF > 0x7C00))
            #expect(HalfPrecision.half(float) == pattern)
            let brain = HalfPrecision.float(brain: pattern)
            if !brain.isNaN { #expect(HalfPrecision.brain(brain) == pattern) }
        }
    }

    @Test func halvesAreRoundedToTheNearest() {
        // Between two neighbors: below, at and above the middle.
        for pattern in stride(from: UInt16(0), to: 0x7BFF, by: 7) {
            let (low, high) = (HalfPrecision.float(half: pattern), HalfPrecision.float(half: pattern + 1))
            let middle = low + (high - low) / 2
            let even = pattern & 1 == 0 ? pattern : pattern + 1
            #expect(HalfPrecision.half(middle) == even)
            #expect(HalfPrecision.half(middle.nextDown) == pattern)
            #expect(HalfPrecision.half(-middle.nextUp) == (pattern + 1) | 0x8000)
        }
        #expect(HalfPrecision.half(65_519) == 0x7BFF && HalfPrecision.half(65_520) == 0x7C00)
        #expect(HalfPrecision.half(.infinity) == 0x7C00 && HalfPrecision.half(1e-9) == 0)
    }
}
