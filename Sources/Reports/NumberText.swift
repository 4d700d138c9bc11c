import Foundation

/// Numbers as people read them.
public enum NumberText: Sendable {
    /// A fraction as a percentage.
    case percent
    /// As many digits as the number needs.
    case plain
    /// A size in bytes, in decimal units.
    case bytes
    /// A time in milliseconds.
    case milliseconds
    /// A number of things, in thousands and millions.
    case count
    /// Four decimals.
    case fourDigits

    /// The formatted number; a dash if it is not finite.
    public func text(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        switch self {
        case .percent: return String(format: "%.2f %%", value * 100)
        case .plain: return Self.plain(value)
        case .bytes:
            return Self.scaled(value, [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")])
                ?? String(format: "%.0f B", value)
        case .milliseconds: return String(format: value < 10 ? "%.2f ms" : "%.1f ms", value)
        case .count:
            return Self.scaled(value, [(1e9, "G"), (1e6, "M"), (1e3, "k")]) ?? Self.plain(value)
        case .fourDigits: return String(format: abs(value) < 1e7 ? "%.4f" : "%.4g", value)
        }
    }

    /// Running text in which no line ends between a number and its unit.
    static func unbroken(_ text: String) -> String {
        text.replacing(/([0-9]) (%|B|kB|MB|GB|ms|points)/) { "\($0.output.1)\u{A0}\($0.output.2)" }
    }

    /// A difference with its sign: of fractions in percentage points.
    func signed(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let text =
            self == .percent ? String(format: "%+.2f points", value * 100) : String(format: "%+.4f", value)
        return text.replacing("-", with: "\u{2212}")
    }

    /// The number at a tick of an axis: without digits that say nothing.
    func tick(_ value: Double, step: Double) -> String {
        switch self {
        case .percent:
            let digits = max(0, min(4, Int((-log10(max(1e-9, step * 100))).rounded(.up))))
            return String(format: "%.\(digits)f %%", value * 100)
        case .bytes: return Self.short(value, [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")])
        case .count: return Self.short(value, [(1e9, "G"), (1e6, "M"), (1e3, "k")])
        case .milliseconds: return Self.short(value, [(1, "ms")]) + (value < 1 ? " ms" : "")
        case .plain, .fourDigits: return Self.plain(value)
        }
    }

    private static func plain(_ value: Double) -> String {
        if value == 0 { return "0" }
        let size = abs(value)
        if size >= 1e6 || size < 1e-3 { return String(format: "%.3g", value) }
        if value == value.rounded() { return String(format: "%.0f", value) }
        return String(format: "%.4g", value)
    }

    private static func scaled(_ value: Double, _ units: [(Double, String)]) -> String? {
        guard let (unit, name) = units.first(where: { abs(value) >= $0.0 }) else { return nil }
        return String(format: "%.1f %@", value / unit, name)
    }

    private static func short(_ value: Double, _ units: [(Double, String)]) -> String {
        guard let (unit, name) = units.first(where: { abs(value) >= $0.0 * 0.9999 }) else {
            return plain(value)
        }
        return "\(String(format: "%.3g", value / unit)) \(name)"
    }
}
