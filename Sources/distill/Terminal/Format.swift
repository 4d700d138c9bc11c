import Foundation

/// Numbers as people read them.
enum Format {
    static func percent(_ fraction: Double) -> String { String(format: "%.2f %%", fraction * 100) }

    static func points(_ difference: Double) -> String { String(format: "%+.2f points", difference * 100) }

    /// A p-value: one that three digits would round to 0 is told as a bound.
    static func probability(_ value: Double) -> String {
        value < 0.001 ? "p < 0.001" : String(format: "p = %.3f", value)
    }

    static func ratio(_ value: Double) -> String { String(format: "%.2f×", value) }

    /// A ratio with the word for it: 2 → "2.00× smaller", 0.5 → "2.00× larger", 1 → "the same".
    ///
    /// - Parameters:
    ///   - value: The ratio.
    ///   - above: The word for a ratio above 1.
    ///   - below: The word for one below it, whose reciprocal is told.
    static func ratio(_ value: Double, above: String, below: String) -> String {
        if abs(value - 1) < 0.005 { return "the same" }
        guard value > 0 else { return "" }
        return value > 1 ? "\(ratio(value)) \(above)" : "\(ratio(1 / value)) \(below)"
    }

    /// 17400000 → "17.4 M".
    static func count(_ value: Int) -> String {
        scaled(Double(value), units: [(1e9, "G"), (1e6, "M"), (1e3, "k")]) ?? "\(value)"
    }

    /// A number of things by their name in the singular: 1 → "1 answer", 12 → "12 answers".
    static func count(_ value: Int, _ unit: String) -> String { "\(value) \(unit)\(value == 1 ? "" : "s")" }

    /// Decimal units, as the Hub and disk makers count.
    static func bytes(_ value: Int) -> String {
        scaled(Double(value), units: [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]) ?? "\(value) B"
    }

    static func milliseconds(_ value: Double) -> String {
        String(format: value < 10 ? "%.2f ms" : "%.1f ms", value)
    }

    /// 3725 → "1:02:05", 65 → "1:05".
    static func duration(_ seconds: Double) -> String {
        let total = Int(seconds.isFinite ? max(0, seconds).rounded() : 0)
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }

    private static func scaled(_ value: Double, units: [(Double, String)]) -> String? {
        guard let (unit, name) = units.first(where: { value >= $0.0 }) else { return nil }
        return String(format: "%.1f %@", value / unit, name)
    }
}
