/// Sums over many values, in parts for the compiler's vectors.
extension UnsafeBufferPointer<Float> {
    /// True if no value is infinite or not a number.
    var areFinite: Bool {
        // Times zero: 0 for a finite number, otherwise not a number.
        sum(vectors: { $0 * 0 }, values: { $0 * 0 }) == 0
    }

    /// The sum of the values' squares.
    var sumOfSquares: Float { sum(vectors: { $0 * $0 }, values: { $0 * $0 }) }

    /// The sum of a function of each value, given for sixteen at a time and for one.
    @inline(__always)
    private func sum(vectors: (SIMD16<Float>) -> SIMD16<Float>, values: (Float) -> Float) -> Float {
        guard let baseAddress else { return 0 }
        var sums = SIMD16<Float>(repeating: 0)
        var index = 0
        while index + 16 <= count {
            sums += vectors(UnsafeRawPointer(baseAddress + index).loadUnaligned(as: SIMD16<Float>.self))
            index += 16
        }
        var rest: Float = 0
        while index < count {
            rest += values(baseAddress[index])
            index += 1
        }
        return sums.sum() + rest
    }
}
