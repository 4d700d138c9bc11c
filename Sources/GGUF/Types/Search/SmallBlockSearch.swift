/// Blocks of 32 weights with the scale, or scale and minimum, of the least error.
///
/// The layouts are those of ``SmallBlocks``.
enum SmallBlockSearch {
    /// Scale (half), the fifth bits if there are five, 16 bytes.
    static func symmetric(
        _ source: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?,
        _ block: UnsafeMutableRawPointer, bits: Int
    ) {
        let sums = WeightedSums(source, importance, count: 32)
        let half = Float(1 << (bits - 1))
        let bounds = -half...(half - 1)
        let scale = rounded(
            ScaleSearch.symmetric(sums, bounds, reach: half / 4, step: half / 80))
        block.store(scale.pattern, at: 0)
        let inverse = scale.value == 0 ? 0 : 1 / scale.value
        pack(source, block + 2, bits: bits, inverse: inverse, offset: 0, bounds)
    }

    /// Scale and minimum (halves), the fifth bits if there are five, 16 bytes.
    static func affine(
        _ source: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?,
        _ block: UnsafeMutableRawPointer, bits: Int
    ) {
        let sums = WeightedSums(source, importance, count: 32)
        let highest = Float((1 << bits) - 1)
        let found = ScaleSearch.affine(sums, highest: highest, isOffsetNegative: false)
        let (scale, minimum) = (rounded(found.scale), rounded(found.offset))
        block.store(scale.pattern, at: 0)
        block.store(minimum.pattern, at: 2)
        let inverse = scale.value == 0 ? 0 : 1 / scale.value
        pack(source, block + 4, bits: bits, inverse: inverse, offset: minimum.value, 0...highest)
    }

    /// A number as a half holds it.
    @inline(__always)
    static func rounded(_ value: Float) -> (pattern: UInt16, value: Float) {
        let pattern = HalfPrecision.half(value)
        return (pattern, HalfPrecision.float(half: pattern))
    }

    /// Writes 32 numbers, counted from the lowest: the fifth bits, then the first half in the lower four bits of 16 bytes and
    /// the second above it.
    private static func pack(
        _ source: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, bits: Int, inverse: Float,
        offset: Float, _ bounds: ClosedRange<Float>
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { numbers in
            guard let start = numbers.baseAddress else { return }
            Numbers.fill(start, source, count: 32, inverse: inverse, offset: offset, bounds)
            var fifth: UInt32 = 0
            let place = bits == 5 ? 4 : 0
            for index in 0..<16 {
                let (low, high) = (numbers[index], numbers[index + 16])
                target.store((low & 0x0F) | (high << 4), at: place + index)
                fifth |= UInt32(low >> 4) << UInt32(index) | UInt32(high >> 4) << UInt32(index + 16)
            }
            if bits == 5 { target.store(fifth, at: 0) }
        }
    }
}

/// Numbers of weights.
enum Numbers {
    /// Writes the whole numbers nearest to (x - offset) · inverse, counted from the lowest.
    ///
    /// - Parameter count: how many, a multiple of 8.
    @inline(__always)
    static func fill(
        _ target: UnsafeMutablePointer<UInt8>, _ source: UnsafePointer<Float>, count: Int, inverse: Float,
        offset: Float, _ bounds: ClosedRange<Float>
    ) {
        for place in stride(from: 0, to: count, by: 8) {
            let numbers = ((source.eight(place) - offset) * inverse).wholeNumbers(bounds) - bounds.lowerBound
            for index in 0..<8 { target[place + index] = UInt8(numbers[index]) }
        }
    }
}
