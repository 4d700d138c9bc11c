/// The metric that a search optimizes.
public struct TuningMetric: Sendable, Equatable, Codable {
    /// Its name, such as `accuracy`.
    public var name: String
    /// The direction in which its values are better.
    public var direction: MetricDirection

    /// Creates a metric.
    ///
    /// - Parameters:
    ///   - name: Its name, such as `accuracy` or `kl`.
    ///   - direction: The direction in which its values are better; `nil` for the usual one: losses, errors, divergences and
    ///     times are minimized, everything else is maximized.
    public init(_ name: String, direction: MetricDirection? = nil) {
        self.name = name
        self.direction = direction ?? Self.usualDirection(name)
    }

    private static func usualDirection(_ name: String) -> MetricDirection {
        let words = name.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber })
        let small: Set<Substring> = [
            "loss", "kl", "error", "mse", "rmse", "mae", "ece", "brier", "nll", "perplexity", "latency",
            "seconds", "divergence", "bits",
        ]
        return words.contains(where: small.contains) ? .minimize : .maximize
    }
}

/// The direction in which a metric's values are better.
public enum MetricDirection: String, Sendable, Codable, CaseIterable {
    /// Larger values are better.
    case maximize
    /// Smaller values are better.
    case minimize

    /// Returns true if one value is better than another.
    ///
    /// - Parameters:
    ///   - value: A value.
    ///   - other: The value to compare with.
    public func isBetter(_ value: Double, than other: Double) -> Bool {
        self == .maximize ? value > other : value < other
    }
}
