/// Blocks of 256 weights: runs of 16 or 32 with a scale each, which is quantized itself.
///
/// Layouts: ggml's `ggml-common.h`; the order of the operations is that of `ggml-quants.c`, and with it the last bit.
enum SuperBlocks {
    /// 16 scales and minima of 4 bits, 64 bytes of 2 bits, scale of the scales and of the minima (halves).
    @inline(__always)
    static func q2K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (block.half(80), block.half(82))
        for run in 0..<16 {
            let packed = block.byte(run)
            let (own, lowest) = (scale * Float(packed & 0x0F), minimum * Float(packed &>> 4))
            // 128 elements share 32 bytes, two bits of each for 32 of them.
            let bytes = block.sixteen(16 &+ (run &>> 3) &* 32 &+ (run & 1) &* 16)
            let shift = UInt8(truncatingIfNeeded: ((run &>> 1) & 3) &* 2)
            let numbers = (bytes &>> SIMD16(repeating: shift)) & SIMD16(repeating: 3)
            out.store(own * SmallBlocks.floats(SmallBlocks.signed(numbers)) - lowest, at: 16 &* run)
        }
    }

    /// 32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, scale (half).
    @inline(__always)
    static func q3K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(108)
        for run in 0..<16 {
            // Four bits of the scale are in the first eight bytes, two in the last four.
            let low = block.byte(96 &+ (run & 7)) &>> (run < 8 ? 0 : 4) & 0x0F
            let shiftOfHigh = UInt8(truncatingIfNeeded: (run &>> 2) &* 2)
            let high = (block.byte(104 &+ (run & 3)) &>> shiftOfHigh) & 3
            let own = scale * Float(Int(low | high &<< 4) &- 32)
            let bytes = block.sixteen(32 &+ (run &>> 3) &* 32 &+ (run & 1) &* 16)
            let shift = UInt8(truncatingIfNeeded: ((run &>> 1) & 3) &* 2)
            let two = (bytes &>> SIMD16(repeating: shift)) & SIMD16(repeating: 3)
            let third =
                block.sixteen((run & 1) &* 16) &>> SIMD16(repeating: UInt8(truncatingIfNeeded: run &>> 1))
            // The offset is there where the third bit is not.
            let offset = ((third & SIMD16(repeating: 1)) ^ SIMD16(repeating: 1)) &<< 2
            let numbers = SmallBlocks.signed(two) &- SmallBlocks.signed(offset)
            out.store(own * SmallBlocks.floats(numbers), at: 16 &* run)
        }
    }

    /// Scale of the scales and of the minima (halves), 8 of each of 6 bits in 12 bytes, 128 bytes of 4 bits.
    @inline(__always)
    static func q4K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (block.half(0), block.half(2))
        for run in 0..<8 {
            let (own, lowest) = scaleAndMinimum(block + 4, run)
            let (factor, offset) = (scale * own, minimum * lowest)
            for half in 0..<2 {
                let bytes = block.sixteen(16 &+ (run &>> 1) &* 32 &+ half &* 16)
                let numbers = run & 1 == 0 ? bytes & SIMD16(repeating: 0x0F) : bytes &>> 4
                out.store(
                    factor * SmallBlocks.floats(SmallBlocks.signed(numbers)) - offset,
                    at: 32 &* run &+ 16 &* half)
            }
        }
    }

    /// As ``q4K(_:_:)`` with 32 bytes of fifth bits before the 128 bytes.
    @inline(__always)
    static func q5K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (block.half(0), block.half(2))
        for run in 0..<8 {
            let (own, lowest) = scaleAndMinimum(block + 4, run)
            let (factor, offset) = (scale * own, minimum * lowest)
            let shift = SIMD16(repeating: UInt8(truncatingIfNeeded: run))
            for half in 0..<2 {
                let bytes = block.sixteen(48 &+ (run &>> 1) &* 32 &+ half &* 16)
                let fifth = ((block.sixteen(16 &+ half &* 16) &>> shift) & SIMD16(repeating: 1)) &<< 4
                let numbers = (run & 1 == 0 ? bytes & SIMD16(repeating: 0x0F) : bytes &>> 4) | fifth
                out.store(
                    factor * SmallBlocks.floats(SmallBlocks.signed(numbers)) - offset,
                    at: 32 &* run &+ 16 &* half)
            }
        }
    }

    /// 128 bytes of 4 bits, 64 bytes of two more, 16 scales (signed bytes), scale (half).
    @inline(__always)
    static func q6K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let scale = block.half(208)
        for run in 0..<16 {
            let own = scale * Float(Int8(bitPattern: block.byte(192 &+ run)))
            // Each half of the block: 64 bytes of 4 bits, of which the lower ones come first, and 32 of 2 bits.
            let (part, place) = (run &>> 3, run & 7)
            let bytes = block.sixteen(part &* 64 &+ (place & 3) &* 16)
            let low = place < 4 ? bytes & SIMD16(repeating: 0x0F) : bytes &>> 4
            let shift = UInt8(truncatingIfNeeded: (place &>> 1) &* 2)
            let two = block.sixteen(128 &+ part &* 32 &+ (place & 1) &* 16) &>> SIMD16(repeating: shift)
            let numbers = SmallBlocks.signed(low | (two & SIMD16(repeating: 3)) &<< 4) &- 32
            out.store(own * SmallBlocks.floats(numbers), at: 16 &* run)
        }
    }

    /// Scale (float), 256 signed bytes; sums that nothing here needs.
    @inline(__always)
    static func q8K(_ block: UnsafeRawPointer, _ out: UnsafeMutablePointer<Float>) {
        let bits = UInt32(littleEndian: block.loadUnaligned(as: UInt32.self))
        let scale = Float(bitPattern: bits)
        for run in 0..<16 {
            let numbers = SmallBlocks.signed(block.sixteen(4 &+ 16 &* run))
            out.store(scale * SmallBlocks.floats(numbers), at: 16 &* run)
        }
    }

    /// One of eight scales and minima of 6 bits: of the first four whole, of the last four the upper two bits are in the
    /// first eight bytes.
    @inline(__always)
    private static func scaleAndMinimum(_ packed: UnsafeRawPointer, _ run: Int) -> (Float, Float) {
        let place = run & 3
        let (first, second) = (packed.byte(place), packed.byte(place &+ 4))
        if run < 4 { return (Float(first & 0x3F), Float(second & 0x3F)) }
        let third = packed.byte(place &+ 8)
        return (
            Float((third & 0x0F) | ((first &>> 2) & 0x30)), Float((third &>> 4) | ((second &>> 2) & 0x30))
        )
    }
}
