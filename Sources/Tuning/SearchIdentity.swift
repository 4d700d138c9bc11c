import Files

/// The identity of a search: only the same search may go on with earlier results.
public struct SearchIdentity: Sendable, Equatable, Codable {
    /// The settings and their values.
    public var space: String
    /// The strategy of the search.
    public var strategy: String
    /// The seed of the random combinations and of the folds.
    public var seed: UInt64
    /// The number of folds.
    public var folds: Int
    /// The metric and its direction.
    public var metric: String
    /// SHA-256 of the settings that are not searched.
    public var base: String

    /// Creates the identity of a search.
    ///
    /// - Parameters:
    ///   - plan: Its space, strategy and seed.
    ///   - folds: The number of folds.
    ///   - metric: The metric that it optimizes.
    ///   - base: The settings that are not searched, as text; anything else that results depend on may be in it.
    public init(plan: SearchPlan, folds: Int, metric: TuningMetric, base: String) {
        space = plan.space.dimensions.map { "\($0.name): \($0.domain)" }.joined(separator: "; ")
        strategy = plan.strategy.identity
        seed = plan.seed
        self.folds = folds
        self.metric = "\(metric.direction.rawValue) \(metric.name)"
        self.base = Digest.sha256(base)
    }

    /// SHA-256 of all of it.
    public var digest: String {
        Digest.sha256(
            [space, strategy, "\(seed)", "\(folds)", metric, base].map { "\($0.utf8.count):\($0)" }.joined())
    }

    /// The difference of another search, in words; `nil` where there is none.
    func difference(from other: SearchIdentity) -> String? {
        if space != other.space { return "it searched \(other.space), not \(space)" }
        if strategy != other.strategy { return "its strategy was \(other.strategy), not \(strategy)" }
        if seed != other.seed { return "its seed was \(other.seed), not \(seed)" }
        if folds != other.folds { return "it had \(other.folds) folds, not \(folds)" }
        if metric != other.metric { return "it was to \(other.metric), not \(metric)" }
        return base == other.base ? nil : "its other settings were different"
    }
}
