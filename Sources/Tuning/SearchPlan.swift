import Datasets
import Distillation

/// The trials of a search: a function of space, strategy and seed, and of the results so far.
///
/// No state is kept between calls, so a search goes on after an interruption by replaying its results.
public struct SearchPlan: Sendable {
    /// The settings that are searched.
    public let space: SearchSpace
    /// The strategy of the search.
    public let strategy: SearchStrategy
    /// The seed of the random combinations.
    public let seed: UInt64
    /// The values of each trial, in the order of the space's settings.
    public let candidates: [[SearchValue]]
    /// The rounds of trials; only successive halving has more than one.
    public let rungs: [SearchStrategy.Rung]

    /// The maximum number of combinations: more than anybody can train.
    private static let largestGrid = 100_000

    /// Creates the plan of a search.
    ///
    /// - Parameters:
    ///   - space: The settings that are searched.
    ///   - strategy: The strategy of the search.
    ///   - seed: The seed of the random combinations.
    /// - Throws: `DistillationError` for a strategy's numbers out of range, and for ranges in a grid.
    public init(space: SearchSpace, strategy: SearchStrategy, seed: UInt64) throws {
        try strategy.validate()
        self.space = space
        self.strategy = strategy
        self.seed = seed
        switch strategy {
        case .grid: candidates = try Self.grid(space)
        case .random(let trials): candidates = try Self.draw(trials, from: space, seed: seed)
        case .halving(let trials, _, _):
            if let trials {
                candidates = try Self.draw(trials, from: space, seed: seed)
            } else if space.dimensions.contains(where: \.domain.isRange) {
                candidates = try Self.draw(27, from: space, seed: seed)
            } else {
                candidates = try Self.grid(space)
            }
        }
        rungs = strategy.rungs(for: candidates.count)
    }

    /// Returns the settings of a trial by name.
    ///
    /// - Parameter trial: An index in ``candidates``.
    public func settings(of trial: Int) -> [String: String] {
        guard candidates.indices.contains(trial) else { return [:] }
        return Dictionary(
            zip(space.names, candidates[trial].map(\.text)), uniquingKeysWith: { first, _ in first })
    }

    /// Returns the trials to run next.
    ///
    /// - Parameters:
    ///   - scores: The results of the trials so far, each with its budget.
    ///   - direction: The direction in which scores are better.
    /// - Returns: The trials of the current rung that have no score yet, in order; empty at the end of the search.
    public func next(
        after scores: [PlannedTrial: TrialScore], direction: MetricDirection
    ) -> [PlannedTrial] {
        var trials = Array(candidates.indices)
        for (index, rung) in rungs.enumerated() {
            if index > 0 {
                trials = Self.best(
                    rung.trials, of: trials, direction: direction,
                    scores: { scores[PlannedTrial(trial: $0, budget: rungs[index - 1].budget)] })
            }
            let planned = trials.map { PlannedTrial(trial: $0, budget: rung.budget) }
            let missing = planned.filter { scores[$0] == nil }
            if !missing.isEmpty { return missing }
        }
        return []
    }

    /// Returns the best trials, in their own order; failed trials are never among them, and of equal ones the earlier
    /// is chosen.
    private static func best(
        _ count: Int, of trials: [Int], direction: MetricDirection, scores: (Int) -> TrialScore?
    ) -> [Int] {
        let scored = trials.compactMap { trial -> (trial: Int, mean: Double)? in
            guard case .mean(let mean)? = scores(trial) else { return nil }
            return (trial, mean)
        }
        let sorted = scored.sorted {
            $0.mean == $1.mean ? $0.trial < $1.trial : direction.isBetter($0.mean, than: $1.mean)
        }
        return sorted.prefix(count).map(\.trial).sorted()
    }

    private static func grid(_ space: SearchSpace) throws -> [[SearchValue]] {
        if let range = space.dimensions.first(where: \.domain.isRange) {
            throw range.error(
                "\(range.domain) is a range, which a grid cannot cover; list its values, or search with "
                    + "--strategy random or halving")
        }
        guard let count = space.count, count <= largestGrid else {
            throw DistillationError(
                "search: the grid has more than \(largestGrid) combinations; list fewer values, or search with "
                    + "--strategy random")
        }
        return (0..<count).map(space.combination)
    }

    /// Draws different combinations. The first ones are the same for any number of trials.
    private static func draw(
        _ trials: Int, from space: SearchSpace, seed: UInt64
    ) throws -> [[SearchValue]] {
        let count = space.count
        let wanted = min(trials, count ?? trials)
        guard wanted <= largestGrid else {
            throw DistillationError("trials must be at most \(largestGrid), got \(trials)")
        }
        var generator = SeededGenerator(seed: seed)
        var seen: Set<[SearchValue]> = []
        var drawn: [[SearchValue]] = []
        var repeated = 0
        while drawn.count < wanted, repeated < 10_000 {
            let values = space.dimensions.map { $0.domain.draw(&generator) }
            if seen.insert(values).inserted {
                drawn.append(values)
                repeated = 0
            } else {
                repeated += 1
            }
        }
        // The remaining combinations are rarely drawn; take them in order.
        if let count {
            for index in 0..<count where drawn.count < wanted {
                let values = space.combination(at: index)
                if seen.insert(values).inserted { drawn.append(values) }
            }
        }
        guard drawn.count == wanted else {
            throw DistillationError(
                "trials: only \(drawn.count) different combinations can be drawn, not \(trials); ask for fewer"
            )
        }
        return drawn
    }
}

/// A trial with the fraction of the training that it gets.
public struct PlannedTrial: Sendable, Hashable {
    /// An index in ``SearchPlan/candidates``.
    public var trial: Int
    /// The fraction of the whole training, up to 1.
    public var budget: Double

    /// Creates a trial with its budget.
    ///
    /// - Parameters:
    ///   - trial: An index in ``SearchPlan/candidates``.
    ///   - budget: The fraction of the whole training, up to 1.
    public init(trial: Int, budget: Double) {
        self.trial = trial
        self.budget = budget
    }
}

/// The result of a trial.
public enum TrialScore: Sendable, Equatable {
    /// The mean of the metric over the folds.
    case mean(Double)
    /// One of its runs failed.
    case failed
}
