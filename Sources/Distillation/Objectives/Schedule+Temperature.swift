extension Schedule {
    /// The temperatures that logits can be divided by. A divergence falls with the square of the temperature that it is multiplied by: above
    /// the largest one the roundings of float32, multiplied so, are of its own size. Below the least one labels are left of the
    /// teacher's probabilities.
    static let temperatures = 1e-4...1e3

    /// What a temperature must be, in words, where this one is not; `nil` for one that logits can be divided by all the time.
    var temperatureRule: String? {
        guard extremes.allSatisfy({ $0 > 0 && $0.isFinite }) else { return "must be above 0" }
        guard !extremes.allSatisfy(Self.temperatures.contains) else { return nil }
        let (least, most) = (Self.temperatures.lowerBound, Self.temperatures.upperBound)
        return "must be from \(least) to \(most), between which float32 tells its loss"
    }
}
