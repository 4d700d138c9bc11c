/// Random numbers that depend on the seed alone, on every platform: SplitMix64 (Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", OOPSLA 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number below `bound`, by multiplication (Lemire, "Fast Random Integer Generation in an Interval", 2019)
    /// with rejection, so that all are equally likely.
    mutating func next(below bound: Int) -> Int {
        let range = UInt64(bound)
        while true {
            let product = next().multipliedFullWidth(by: range)
            if product.low >= (0 &- range) % range { return Int(product.high) }
        }
    }
}

extension Array {
    /// The elements in a random order: Fisher and Yates's algorithm, from the last index down. The standard
    /// library's own shuffle does not promise an algorithm, and so no order either.
    func shuffled(seededBy generator: inout SeededGenerator) -> [Element] {
        var result = self
        for place in stride(from: result.count - 1, to: 0, by: -1) {
            result.swapAt(place, generator.next(below: place + 1))
        }
        return result
    }
}
