/// Blocks of 32 weights with a scale, and some with a minimum: `d·q` and `d·q + m`.
///
/// The first half of a block is in the lower four bits of its bytes, the second in the upper ones. Layouts: ggml's
/// `ggml-common.h`; the order of the operations is that of `ggml-quants.c`, and with it the last bit.
enum SmallBlocks {
    private static var low: SIMD16<UInt8> { SIMD16(repeating: 0x0F) }

    /// Scale (half), 16 bytes; an element is q − 8.
    @inline(__always)
    static func q40(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(0)
        let bytes = block.sixteen(2)
        out.store(scale * floats(signed(bytes & low) &- 8), at: 0)
        out.store(scale * floats(signed(bytes &>> 4) &- 8), at: 16)
    }

    /// Scale and minimum (halves), 16 bytes.
    @inline(__always)
    static func q41(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (block.half(0), block.half(2))
        let bytes = block.sixteen(4)
        out.store(scale * floats(signed(bytes & low)) + minimum, at: 0)
        out.store(scale * floats(signed(bytes &>> 4)) + minimum, at: 16)
    }

    /// Scale (half), the fifth bits, 16 bytes; an element is q − 16.
    @inline(__always)
    static func q50(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(0)
        let bytes = block.sixteen(6)
        out.store(scale * floats(signed(bytes & low | fifth(block, 2)) &- 16), at: 0)
        out.store(scale * floats(signed(bytes &>> 4 | fifth(block, 4)) &- 16), at: 16)
    }

    /// Scale and minimum (halves), the fifth bits, 16 bytes.
    @inline(__always)
    static func q51(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (block.half(0), block.half(2))
        let bytes = block.sixteen(8)
        out.store(scale * floats(signed(bytes & low | fifth(block, 4))) + minimum, at: 0)
        out.store(scale * floats(signed(bytes &>> 4 | fifth(block, 6))) + minimum, at: 16)
    }

    /// Scale (half), 32 signed bytes.
    @inline(__always)
    static func q80(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(0)
        out.store(floats(signed(block.sixteen(2))) * scale, at: 0)
        out.store(floats(signed(block.sixteen(18))) * scale, at: 16)
    }

    /// Scale (half), 16 bytes; an element is a place in a table.
    @inline(__always)
    static func iq4NL(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(0)
        let bytes = block.sixteen(2)
        for index in 0..<16 {
            out[index] = scale * Float(table[Int(bytes[index] & 0x0F)])
            out[index + 16] = scale * Float(table[Int(bytes[index] &>> 4)])
        }
    }

    /// The values of IQ4_NL (`kvalues_iq4nl`).
    private static let table = SIMD16<Int8>(
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)

    @inline(__always)
    static func signed(_ bytes: SIMD16<UInt8>) -> SIMD16<Int8> { SIMD16(truncatingIfNeeded: bytes) }

    @inline(__always)
    static func floats(_ numbers: SIMD16<Int8>) -> SIMD16<Float> {
        SIMD16<Float>(SIMD16<Int32>(truncatingIfNeeded: numbers))
    }

    /// The fifth bits of 16 elements, in their places: bit i of a word is element i's.
    @inline(__always)
    private static func fifth(_ block: UnsafeRawPointer, _ offset: Int) -> SIMD16<UInt8> {
        let first = SIMD8<UInt8>(repeating: block.byte(offset))
        let second = SIMD8<UInt8>(repeating: block.byte(offset + 1))
        let bits = SIMD16<UInt8>(lowHalf: first, highHalf: second)
        let places = SIMD16<UInt8>(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7)
        return ((bits &>> places) & 1) &<< 4
    }
}
