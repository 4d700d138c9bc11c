/// A run of weights with what an error of each counts, and the sums that a search over scales needs of it.
///
/// All searches minimize Σ wᵢ (xᵢ − x̂ᵢ)², with x̂ᵢ = scale · qᵢ + offset and qᵢ a whole number within bounds.
struct WeightedSums {
    /// The weights of the run, a multiple of 8.
    let values: UnsafePointer<Float>
    /// What an error of each counts; `nil` where all count the same.
    let importance: UnsafePointer<Float>?
    /// Their number, a multiple of 8.
    let count: Int

    /// Σ w, Σ w x and Σ w x².
    let total: Float
    let first: Float
    let second: Float

    init(_ values: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?, count: Int) {
        (self.values, self.count) = (values, count)
        func sums(_ importance: UnsafePointer<Float>?) -> (Float, Float, Float) {
            var (total, first, second) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
            for place in stride(from: 0, to: count, by: 8) {
                let x = values.eight(place)
                let w = importance?.eight(place) ?? SIMD8(repeating: 1)
                total += w
                first += w * x
                second += w * x * x
            }
            return (total.sum(), first.sum(), second.sum())
        }
        let own = sums(importance)
        // Where nothing counts, everything counts the same.
        self.importance = own.0 > 0 ? importance : nil
        (total, first, second) = own.0 > 0 ? own : sums(nil)
    }

    /// What eight errors count.
    @inline(__always)
    func weights(_ place: Int) -> SIMD8<Float> { importance?.eight(place) ?? SIMD8(repeating: 1) }

    /// Σ w q, Σ w q² and Σ w x q of numbers.
    struct Products {
        var number: Float
        var square: Float
        var product: Float
    }

    /// The sums for q = x · inverse + shift, rounded and kept within bounds.
    @inline(__always)
    func products(inverse: Float, shift: Float, _ bounds: ClosedRange<Float>) -> Products {
        var (number, square, product) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
        for place in stride(from: 0, to: count, by: 8) {
            let x = values.eight(place)
            let q = (x * inverse + shift).wholeNumbers(bounds)
            let weighted = weights(place) * q
            number += weighted
            square += weighted * q
            product += weighted * x
        }
        return Products(number: number.sum(), square: square.sum(), product: product.sum())
    }

    /// Σ w (x − scale · q − offset)², with the numbers that are nearest.
    @inline(__always)
    func error(scale: Float, offset: Float, _ bounds: ClosedRange<Float>) -> Float {
        let inverse = scale == 0 ? 0 : 1 / scale
        var sum = SIMD8<Float>()
        for place in stride(from: 0, to: count, by: 8) {
            let x = values.eight(place)
            let q = ((x - offset) * inverse).wholeNumbers(bounds)
            let difference = x - q * scale - offset
            sum += weights(place) * difference * difference
        }
        return sum.sum()
    }
}

extension UnsafePointer<Float> {
    @inline(__always)
    func eight(_ place: Int) -> SIMD8<Float> {
        UnsafeRawPointer(self + place).loadUnaligned(as: SIMD8<Float>.self)
    }
}

extension SIMD8<Float> {
    /// The nearest whole numbers, of two the even one, within bounds. What is beyond 2²² or no number becomes a bound.
    @inline(__always)
    func wholeNumbers(_ bounds: ClosedRange<Float>) -> SIMD8<Float> {
        let (low, high) = (SIMD8(repeating: bounds.lowerBound), SIMD8(repeating: bounds.upperBound))
        let kept = replacing(with: high, where: self .> high)
        let inside = kept.replacing(with: low, where: .!(kept .>= low))
        // Adding 1.5 · 2²³ leaves no bits behind the point.
        let round = SIMD8<Float>(repeating: 12_582_912)
        return (inside + round) - round
    }
}
