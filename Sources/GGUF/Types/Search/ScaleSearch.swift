/// The search for the scale, or scale and offset, of a run of weights.
///
/// A grid of scales around the one that just reaches the extreme weight, each followed by the least-squares solution for the
/// numbers that it gives; from the best, rounding and solving in turn as long as the error falls.
enum ScaleSearch {
    private static let mostRefinements = 8

    /// The scale of numbers that are symmetric but for the lowest: x ≈ scale · q.
    ///
    /// - Parameters:
    ///   - sums: the run.
    ///   - bounds: the lowest and highest number, such as -8 and 7.
    ///   - reach: how far from each bound the grid goes, in numbers.
    ///   - step: its step.
    /// - Returns: the scale, which may be negative; 0 for a run of zeros.
    static func symmetric(
        _ sums: WeightedSums, _ bounds: ClosedRange<Float>, reach: Float, step: Float
    ) -> Float {
        var extreme: Float = 0
        for place in 0..<sums.count where abs(sums.values[place]) > abs(extreme) {
            extreme = sums.values[place]
        }
        guard abs(extreme) >= .leastNormalMagnitude else { return 0 }
        // The error is Σ w x² less this.
        var (best, scale): (Float, Float) = (-1, 0)
        func consider(_ inverse: Float) -> Bool {
            guard inverse.isFinite else { return false }
            let found = sums.products(inverse: inverse, shift: 0, bounds)
            guard found.square > 0 else { return false }
            let gain = found.product * (found.product / found.square)
            guard gain > best else { return false }
            (best, scale) = (gain, found.product / found.square)
            return true
        }
        for target in [bounds.lowerBound, bounds.upperBound] {
            for number in stride(from: target - reach, through: target + reach, by: step) {
                _ = consider(number / extreme)
            }
        }
        for _ in 0..<mostRefinements where scale != 0 {
            guard consider(1 / scale) else { break }
        }
        return scale
    }

    /// Scale and offset of numbers from 0 on: x ≈ scale · q + offset.
    ///
    /// - Parameters:
    ///   - sums: the run.
    ///   - highest: the highest number, such as 15.
    ///   - isOffsetNegative: true where the offset must not be above 0.
    /// - Returns: a scale of at least 0, and the offset.
    static func affine(
        _ sums: WeightedSums, highest: Float, isOffsetNegative: Bool
    ) -> (scale: Float, offset: Float) {
        var (low, high) = (sums.values[0], sums.values[0])
        for place in 1..<sums.count {
            low = min(low, sums.values[place])
            high = max(high, sums.values[place])
        }
        if isOffsetNegative { low = min(low, 0) }
        guard high - low >= .leastNormalMagnitude else { return (0, low) }
        let bounds = 0...highest
        var best = (error: Float.infinity, scale: Float(0), offset: low)
        func consider(_ inverse: Float, _ offset: Float) -> Bool {
            guard inverse.isFinite else { return false }
            let found = sums.products(inverse: inverse, shift: -offset * inverse, bounds)
            guard let solved = solution(sums, found, isOffsetNegative: isOffsetNegative) else { return false }
            guard solved.error < best.error else { return false }
            best = solved
            return true
        }
        // From a range that reaches beyond the extremes to one that leaves them out.
        for number in stride(from: highest - 1.5, through: highest * 1.25 + 0.5, by: highest / 48) {
            let inverse = number / (high - low)
            _ = consider(inverse, low)
            // The same range about the middle.
            let middle = (high + low) / 2
            let start = middle - highest / inverse / 2
            _ = consider(inverse, isOffsetNegative ? min(start, 0) : start)
        }
        for _ in 0..<mostRefinements where best.scale > 0 {
            guard consider(1 / best.scale, best.offset) else { break }
        }
        return (best.scale, best.offset)
    }

    /// The least-squares solution for given numbers, with a scale of at least 0.
    private static func solution(
        _ sums: WeightedSums, _ found: WeightedSums.Products, isOffsetNegative: Bool
    ) -> (error: Float, scale: Float, offset: Float)? {
        let (w, x, q) = (Double(sums.total), Double(sums.first), Double(found.number))
        let (qq, xq) = (Double(found.square), Double(found.product))
        let determinant = w * qq - q * q
        guard qq > 0 else { return nil }
        // Where all numbers are the same, scale and offset are not determined.
        let isDetermined = determinant > 1e-5 * w * qq
        var scale = isDetermined ? (w * xq - x * q) / determinant : xq / qq
        var offset = isDetermined ? (qq * x - q * xq) / determinant : 0
        if isOffsetNegative, offset > 0 { (scale, offset) = (xq / qq, 0) }
        guard scale > 0 else { return nil }
        let error =
            Double(sums.second) - 2 * scale * xq - 2 * offset * x + scale * scale * qq
            + 2 * scale * offset * q + offset * offset * w
        return (Float(error), Float(scale), Float(offset))
    }
}
