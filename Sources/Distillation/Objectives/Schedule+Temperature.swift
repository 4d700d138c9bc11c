extension Schedule {
    /// The temperatures that logits can be divided by: the inverse and the square of each, which losses are multiplied by, are normal
    /// numbers of float32.
    static let temperatures = 1.1e-19...1.8e19

    /// What a temperature must be, in words, where this one is not; `nil` for one that logits can be divided by all the time.
    var temperatureRule: String? {
        guard extremes.allSatisfy({ $0 > 0 && $0.isFinite }) else { return "must be above 0" }
        guard !extremes.allSatisfy(Self.temperatures.contains) else { return nil }
        let (least, most) = (Self.temperatures.lowerBound, Self.temperatures.upperBound)
        return "must be from \(least) to \(most), since its inverse and its square are computed in float32"
    }
}
