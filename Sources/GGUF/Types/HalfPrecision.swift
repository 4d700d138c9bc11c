/// Numbers of 16 bits as bit patterns. Swift's own `Float16` does not exist on every platform.
package enum HalfPrecision {
    /// The value of an IEEE half, exactly.
    @inline(__always)
    package static func float(half: UInt16) -> Float {
        let shifted = UInt32(half & 0x7FFF) << 13
        let sign = UInt32(half & 0x8000) << 16
        let rebias: UInt32 = (127 - 15) << 23
        let exponent = shifted & 0x0F80_0000
        var bits = shifted &+ rebias
        if exponent == 0x0F80_0000 {  // infinities and what is no number
            bits = bits &+ ((128 - 16) << 23)
        } else if exponent == 0 {  // zero, and numbers too small for an exponent of their own
            bits = bits &+ (1 << 23)
            bits = (Float(bitPattern: bits) - Float(bitPattern: rebias &+ (1 << 23))).bitPattern
        }
        return Float(bitPattern: bits | sign)
    }

    /// The value of a bfloat16, exactly.
    @inline(__always)
    package static func float(brain: UInt16) -> Float { Float(bitPattern: UInt32(brain) << 16) }

    /// The IEEE half nearest to a number; of two, the even one.
    @inline(__always)
    package static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude >= 0x4780_0000 {  // 65,536 and above
            if magnitude > 0x7F80_0000 {
                // No number: its payload is kept, and something remains of it.
                let payload = UInt16(truncatingIfNeeded: magnitude >> 13) & 0x3FF
                return sign | 0x7C00 | (payload == 0 ? 1 : payload)
            }
            return sign | 0x7C00
        }
        if magnitude < 0x3880_0000 {  // below 2^-14: a multiple of 2^-24, to which adding 0.5 rounds
            let rounded = Float(bitPattern: magnitude) + 0.5
            return sign | UInt16(truncatingIfNeeded: rounded.bitPattern &- Float(0.5).bitPattern)
        }
        let odd = (magnitude >> 13) & 1
        let rounded = magnitude &- ((127 - 15) << 23) &+ 0xFFF &+ odd
        return sign | UInt16(truncatingIfNeeded: rounded >> 13)
    }

    /// The bfloat16 nearest to a number; of two, the even one.
    @inline(__always)
    static func brain(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(truncatingIfNeeded: (bits >> 16) | 64) }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}
