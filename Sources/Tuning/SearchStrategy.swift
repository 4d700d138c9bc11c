import Distillation

/// The strategy by which a space is searched.
public enum SearchStrategy: Sendable, Equatable, Codable {
    /// Every combination of the listed values.
    case grid

    /// Combinations drawn at random, no two the same (Bergstra and Bengio, "Random Search for Hyper-Parameter
    /// Optimization", JMLR 13, 2012).
    case random(trials: Int)

    /// Many combinations with little training first; the best of them with more, and so on to the whole training
    /// (Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS
    /// 2016, arXiv 1502.07943).
    ///
    /// - `trials`: The number of combinations in the first rung; `nil` for the whole grid where all settings are lists, else
    ///   27.
    /// - `eta`: Of each rung one in `eta` goes on, with `eta` times the training.
    /// - `minBudget`: The least fraction of the whole training on which a trial may be evaluated.
    case halving(trials: Int?, eta: Int, minBudget: Double)

    /// The name on the command line.
    public var name: String {
        switch self {
        case .grid: "grid"
        case .random: "random"
        case .halving: "halving"
        }
    }

    /// The strategy's part of a search's identity. Random search may be given more trials and go on: its first ones are the
    /// same.
    var identity: String {
        switch self {
        case .grid, .random: name
        case .halving(let trials, let eta, let minBudget):
            "halving of \(trials.map(String.init) ?? "all") trials, eta \(eta), from \(minBudget)"
        }
    }

    func validate() throws {
        switch self {
        case .grid: break
        case .random(let trials): try Self.check(trials)
        case .halving(let trials, let eta, let minBudget):
            if let trials { try Self.check(trials) }
            guard eta >= 2 else { throw DistillationError("eta must be at least 2, got \(eta)") }
            guard minBudget > 0, minBudget <= 1 else {
                throw DistillationError("min_budget must be above 0 and at most 1, got \(minBudget)")
            }
        }
    }

    private static func check(_ trials: Int) throws {
        guard trials >= 1 else { throw DistillationError("trials must be at least 1, got \(trials)") }
    }

    /// Returns the rungs that `count` trials go through, the last with the whole training.
    ///
    /// As in Jamieson and Talwalkar's algorithm, rung i has ⌊n / ηⁱ⌋ trials. There are as many rungs as both the trials
    /// and the least budget allow; with few trials the first rung therefore trains longer.
    func rungs(for count: Int) -> [Rung] {
        guard case .halving(_, let eta, let minBudget) = self else { return [Rung(trials: count, budget: 1)] }
        // `divisor` is eta to the power of the number of further rungs.
        var divisor = 1
        while divisor <= count / eta, 1 / Double(divisor * eta) >= minBudget * (1 - 1e-12) { divisor *= eta }
        var rungs: [Rung] = []
        var kept = 1
        while divisor >= 1 {
            rungs.append(Rung(trials: count / kept, budget: 1 / Double(divisor)))
            kept *= eta
            divisor /= eta
        }
        return rungs
    }

    /// A round of trials with the same fraction of the training.
    public struct Rung: Sendable, Equatable {
        /// The number of trials.
        public var trials: Int
        /// The fraction of the whole training, up to 1.
        public var budget: Double
    }
}
