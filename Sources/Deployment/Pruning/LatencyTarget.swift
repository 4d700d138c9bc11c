/// The target of `--target-latency`.
enum LatencyTarget: Equatable, CustomStringConvertible {
    /// A fraction of the model's time.
    case fraction(Double)
    /// Milliseconds.
    case milliseconds(Double)

    /// The target as it is given to the option, such as `0.5` or `12ms`.
    var description: String {
        switch self {
        case .fraction(let fraction): Self.number(fraction)
        case .milliseconds(let milliseconds): Self.number(milliseconds) + "ms"
        }
    }

    /// A number without decimals where it has none.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
