/// Random numbers without a state: each depends on a seed, a text's number and a token's place in it alone, so that a text does not depend
/// on how many others are generated beside it.
package enum RandomDraw {
    /// A number of 0 ..< 1, a multiple of 2⁻⁵³.
    package static func uniform(seed: UInt64, prompt: Int, place: Int) -> Double {
        var bits = mixed(seed &+ 0x9E37_79B9_7F4A_7C15)
        bits = mixed(bits ^ UInt64(truncatingIfNeeded: prompt) &+ 0x9E37_79B9_7F4A_7C15)
        bits = mixed(bits ^ UInt64(truncatingIfNeeded: place) &+ 0x9E37_79B9_7F4A_7C15)
        return Double(bits >> 11) * 0x1p-53
    }

    /// The finalizer of SplitMix64 (Steele et al., "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
