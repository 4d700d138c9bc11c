/// What a search makes as good as it can.
public struct TuningMetric: Sendable, Equatable, Codable {
    /// Its name, such as `accuracy`.
    public var name: String
    /// Which of its values are better.
    public var direction: MetricDirection

    /// A metric.
    ///
    /// - Parameters:
    ///   - name: Its name, such as `accuracy` or `kl`.
    ///   - direction: Which of its values are better; `nil` for what is usual: losses, errors, divergences and times are
    ///     minimised, everything else is maximised.
    public init(_ name: String, direction: MetricDirection? = nil) {
        self.name = name
        self.direction = direction ?? Self.usualDirection(name)
    }

    private static func usualDirection(_ name: String) -> MetricDirection {
        let words = name.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber })
        let small: Set<Substring> = [
            "loss", "kl", "error", "mse", "rmse", "mae", "ece", "brier", "nll", "perplexity", "latency",
            "seconds", "divergence",
        ]
        return words.contains(where: small.contains) ? .minimize : .maximize
    }
}

/// Which values of a metric are better.
public enum MetricDirection: String, Sendable, Codable, CaseIterable {
    /// The larger ones.
    case maximize
    /// The smaller ones.
    case minimize

    /// Whether one value is better than another.
    ///
    /// - Parameters:
    ///   - value: A value.
    ///   - other: The value to compare with.
    public func isBetter(_ value: Double, than other: Double) -> Bool {
        self == .maximize ? value > other : value < other
    }
}
