import Safetensors
import Testing

@testable import Exporters

@Suite("Floating-point numbers as bytes")
struct FloatBytesTests {
    @Test("every float16 there is, to float32 and back")
    func everyHalf() {
        let wrong = (UInt16.min...UInt16.max).filter { bits in
            let value = FloatBytes.half(bits)
            let back = FloatBytes.halfBits(value)
            return value.isNaN ? back & 0x7C00 != 0x7C00 || back & 0x3FF == 0 : back != bits
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(4))")
    }

    #if !(os(macOS) && arch(x86_64))
        @Test("the nearest float16, halves to even, as the processor rounds")
        func nearestHalf() {
            var state: UInt64 = 3
            var values: [Float] = [65504, 65519.99, 65520, 0x1p-25, 0x1.8p-25, 0x1p-26, -0.0, .infinity]
            for _ in 0..<200_000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Exponents around float16's range, where everything happens.
                let exponent = UInt32(state >> 58) % 48 + 96
                values.append(Float(bitPattern: UInt32(state >> 32) & 0x807F_FFFF | exponent << 23))
            }
            let wrong = values.filter { FloatBytes.halfBits($0) != Float16($0).bitPattern }
            #expect(wrong.isEmpty, "\(wrong.prefix(4))")
        }
    #endif

    @Test("the nearest bfloat16, halves to even")
    func nearestBrain() {
        var state: UInt64 = 5
        var wrong: [Float] = []
        for _ in 0..<100_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Float(bitPattern: UInt32(state >> 32) & 0xBFFF_FFFF)
            let bits = FloatBytes.brainBits(value)
            let found = Float(bitPattern: UInt32(bits) << 16)
            let lower = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
            let upper = Float(bitPattern: (value.bitPattern & 0xFFFF_0000) + 0x1_0000)
            let (down, up) = (abs(value - lower), abs(upper - value))
            let isRight =
                down == up
                ? bits & 1 == 0 && (found == lower || found == upper) : found == (down < up ? lower : upper)
            if !isRight { wrong.append(value) }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(4))")
        // Halfway between two: to the even one, down and up.
        #expect(FloatBytes.brainBits(Float(bitPattern: 0x3F80_8000)) == 0x3F80)
        #expect(FloatBytes.brainBits(Float(bitPattern: 0x3F81_8000)) == 0x3F82)
        #expect(FloatBytes.brainBits(.infinity) == 0x7F80)
        #expect(FloatBytes.brainBits(Float(bitPattern: 0x7F80_0001)) & 0x7F != 0)
    }

    @Test("bytes at any address are read", arguments: FloatBytes.types)
    func bytes(_ type: SafetensorsDType) {
        let values: [Float] = [0, -1.5, 0.25, 1024, -0.0]
        let bytes = [0xAB] + FloatBytes.encode(values, as: type)
        let back = bytes.withUnsafeBytes {
            FloatBytes.decode(UnsafeRawBufferPointer(rebasing: $0[1...]), as: type)
        }
        #expect(back.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("rows become columns")
    func transposition() {
        #expect(Transposition.transposed([1, 2, 3, 4, 5, 6], rows: 2) == [1, 4, 2, 5, 3, 6])
        #expect(Transposition.transposed([Int](), rows: 0) == [])
        let values = (0..<35).map { $0 }
        #expect(Transposition.transposed(Transposition.transposed(values, rows: 5), rows: 7) == values)
    }
}
