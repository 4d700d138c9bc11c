import Distillation

/// The names of the strategies in settings.
public enum SearchStrategyName: String, CaseIterable, Sendable, SettingValue {
    case grid, random, halving
}

extension MetricDirection: SettingValue {}

extension SearchStrategy {
    /// The strategy that settings describe; the grid by default.
    init(_ reader: SettingsReader) throws {
        let name = try reader.value("strategy") ?? SearchStrategyName.grid
        let trials = try reader.value("trials", as: Int.self)
        let eta = try reader.value("eta", as: Int.self)
        let minBudget = try reader.value("min_budget", as: Double.self)
        switch name {
        case .grid:
            guard trials == nil else {
                throw SettingsError(
                    "trials: a grid tries every combination; remove trials, or pass --strategy random")
            }
            self = .grid
        case .random: self = .random(trials: trials ?? 20)
        case .halving: self = .halving(trials: trials, eta: eta ?? 3, minBudget: minBudget ?? 0.1)
        }
    }
}
