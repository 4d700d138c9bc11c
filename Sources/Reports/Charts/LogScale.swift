import Foundation

/// Positions of positive numbers on a logarithmic axis.
struct LogScale {
    private let low: Double
    private let high: Double

    init(_ values: [Double]) {
        let positive = values.filter { $0 > 1e-150 && $0 < 1e150 }
        let (least, most) = (positive.min() ?? 1, positive.max() ?? 1)
        let margin = max(log10(most / least) * 0.06, 0.05)
        low = log10(least) - margin
        high = log10(most) + margin
    }

    /// From 0 at the lower end to 1 at the upper.
    func place(_ value: Double) -> Double {
        min(1, max(0, (log10(max(value, 1e-12)) - low) / (high - low)))
    }

    /// 1, 2 and 5 times the powers of ten within, or, if these are fewer than two, five evenly spaced positions.
    var marks: [Double] {
        let round = (Int(low.rounded(.down))...Int(high.rounded(.up))).flatMap { power in
            [1.0, 2, 5].map { $0 * pow(10, Double(power)) }
        }.filter { log10($0) >= low && log10($0) <= high }
        return round.count >= 2 ? round : (0...4).map { pow(10, low + (high - low) * Double($0) / 4) }
    }
}
