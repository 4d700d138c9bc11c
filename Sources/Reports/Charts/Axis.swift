import Foundation

/// An axis: its range, and its ticks at round numbers.
public struct Axis: Sendable, Equatable {
    /// The span; `lower` is always below `upper`.
    public let lower: Double
    public let upper: Double
    public let isLogarithmic: Bool
    /// Rising, within the span.
    public let ticks: [Double]
    /// The distance between ticks; of a logarithmic axis that of the first two.
    let step: Double

    /// An axis over values; those that are not finite do not count.
    ///
    /// - Parameters:
    ///   - values: The values to show, in any order; none gives an axis from 0 to 1.
    ///   - isLogarithmic: True for a logarithmic axis; only values above 0 then count.
    ///   - padding: The fraction of the span that is added on both sides.
    ///   - minimumSpan: The least span, so that noise does not look like a cliff.
    ///   - ticks: About how many ticks.
    ///   - bounds: The limits of the axis, unless values exceed them.
    ///   - isWhole: True if ticks are whole numbers.
    public init(
        _ values: [Double], isLogarithmic: Bool = false, padding: Double = 0.05, minimumSpan: Double = 0,
        ticks count: Int = 5, bounds: ClosedRange<Double>? = nil, isWhole: Bool = false
    ) {
        self.isLogarithmic = isLogarithmic
        // Beyond this, differences of values overflow.
        let finite = values.filter { $0.isFinite && abs($0) < 1e150 && (!isLogarithmic || $0 > 1e-150) }
        guard var low = finite.min(), var high = finite.max() else {
            (lower, upper) = isLogarithmic ? (1, 10) : (0, 1)
            ticks = isLogarithmic ? [1, 10] : [0, 0.5, 1]
            step = isLogarithmic ? 9 : 0.5
            return
        }
        if isLogarithmic {
            let factor = max(1.15, pow(high / low, padding))
            (low, high) = (low / factor, high * factor)
        } else {
            let (least, most) = (low, high)
            let span = max(high - low, minimumSpan, abs(high) * 1e-6, 1e-12)
            let middle = (low + high) / 2
            (low, high) = (middle - span * (0.5 + padding), middle + span * (0.5 + padding))
            if let bounds {
                low = min(least, max(low, bounds.lowerBound))
                high = max(most, min(high, bounds.upperBound))
                if high - low < span * 0.5 { high = low + span }
            }
        }
        (lower, upper) = (low, high)
        let found =
            isLogarithmic
            ? Self.logarithmicTicks(low, high, count) : Self.linearTicks(low, high, count, isWhole: isWhole)
        ticks = found
        step = found.count > 1 ? found[1] - found[0] : max(abs(found.first ?? 1), 1e-9)
    }

    /// Returns the position of a value: 0 at the lower end, 1 at the upper one. Values beyond are clamped to the ends;
    /// those that are not finite have no position.
    public func place(_ value: Double) -> Double? {
        guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
        let fraction =
            isLogarithmic
            ? (log(value) - log(lower)) / (log(upper) - log(lower)) : (value - lower) / (upper - lower)
        return fraction.isFinite ? min(1, max(0, fraction)) : nil
    }

    private static func linearTicks(_ low: Double, _ high: Double, _ count: Int, isWhole: Bool) -> [Double] {
        let raw = (high - low) / Double(max(2, count))
        let power = pow(10, log10(raw).rounded(.down))
        let steps = isWhole && power < 10 ? [1, 2, 5] : [1, 2, 2.5, 5]
        let fitting = power * (steps.first { $0 * power >= raw * 0.999 } ?? 10)
        let step = isWhole ? max(1, fitting) : fitting
        let first = (low / step - 1e-9).rounded(.up)
        let last = (high / step + 1e-9).rounded(.down)
        guard last >= first, last - first < 100 else { return [low, high] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }.map { $0 == 0 ? 0 : $0 }
            .filter { $0 >= low && $0 <= high }
    }

    /// Powers of ten, with 2 and 5 between them, or finer where the span is short.
    private static func logarithmicTicks(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
        let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
        let choices: [[Double]] = [
            [1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 7, 8, 9],
        ]
        var best: [Double] = []
        for steps in choices {
            let ticks = powers.flatMap { power in steps.map { $0 * pow(10, Double(power)) } }
                .filter { $0 >= low && $0 <= high }
            if ticks.count <= count + 2 || best.count < 2 { best = ticks }
            if best.count >= 3 { break }
        }
        return best.count >= 2 ? best : [low, high]
    }
}
