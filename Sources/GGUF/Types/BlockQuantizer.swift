/// The making of blocks of 32 weights, as ggml's reference has it (`ggml-quants.c`, `quantize_row_…_ref`).
enum BlockQuantizer {
    /// Scale (half), 32 signed bytes: x / d to the nearest whole number, halves away from zero.
    static func q80(_ source: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer) {
        var largest: Float = 0
        for index in 0..<32 { largest = max(largest, abs(source[index])) }
        let scale = largest / 127
        let inverse = scale == 0 ? 0 : 1 / scale
        block.store(HalfPrecision.half(scale), at: 0)
        for index in 0..<32 {
            let number = (source[index] * inverse).rounded(.toNearestOrAwayFromZero)
            block.store(Int8(exactly: number) ?? 0, at: 2 + index)
        }
    }

    /// Scale (half), the fifth bits if there are five, 16 bytes: the value of largest magnitude is the lowest number, and
    /// half of the numbers is 0.
    static func symmetric(_ source: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer, bits: Int) {
        var extreme = source[0]
        for index in 1..<32 where abs(source[index]) > abs(extreme) { extreme = source[index] }
        let half = Float(1 << (bits - 1))
        let scale = extreme / -half
        let inverse = scale == 0 ? 0 : 1 / scale
        block.store(HalfPrecision.half(scale), at: 0)
        pack(block + 2, bits: bits) { source[$0] * inverse + (half + 0.5) }
    }

    /// Scale and minimum (halves), the fifth bits if there are five, 16 bytes.
    static func affine(_ source: UnsafePointer<Float>, _ block: UnsafeMutableRawPointer, bits: Int) {
        var (lowest, highest) = (source[0], source[0])
        for index in 1..<32 {
            lowest = min(lowest, source[index])
            highest = max(highest, source[index])
        }
        let scale = (highest - lowest) / Float((1 << bits) - 1)
        let inverse = scale == 0 ? 0 : 1 / scale
        block.store(HalfPrecision.half(scale), at: 0)
        block.store(HalfPrecision.half(lowest), at: 2)
        pack(block + 4, bits: bits) { (source[$0] - lowest) * inverse + 0.5 }
    }

    /// Writes 32 numbers: the fifth bits, then the first half in the lower four bits of 16 bytes and the second above it.
    @inline(__always)
    private static func pack(_ target: UnsafeMutableRawPointer, bits: Int, _ number: (Int) -> Float) {
        let most = UInt8((1 << bits) - 1)
        func whole(_ index: Int) -> UInt8 {
            let value = number(index)
            // Also what is no number.
            guard value >= 1 else { return 0 }
            return value >= Float(most) ? most : UInt8(value)
        }
        var fifth: UInt32 = 0
        let start = bits == 5 ? 4 : 0
        for index in 0..<16 {
            let (low, high) = (whole(index), whole(index + 16))
            target.store((low & 0x0F) | (high << 4), at: start + index)
            fifth |= UInt32(low >> 4) << UInt32(index) | UInt32(high >> 4) << UInt32(index + 16)
        }
        if bits == 5 { target.store(fifth, at: 0) }
    }
}
