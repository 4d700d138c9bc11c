import Files
import Foundation

@testable import Distillation
@testable import Tuning

/// Searches whose runs are formulas.
struct TuningFixture {
    let plan: SearchPlan
    let driver: TuningDriver

    init(
        _ options: [String] = ["temperature=1,2,4", "alpha=0.3,0.7"], strategy: SearchStrategy = .grid,
        folds: Int = 2, metric: TuningMetric = TuningMetric("accuracy"), seed: UInt64 = 42
    ) throws {
        plan = try SearchPlan(
            space: SearchSpace(options.map { try SearchDimension(option: $0) }), strategy: strategy,
            seed: seed)
        driver = try TuningDriver(plan: plan, folds: folds, metric: metric)
    }

    func identity(base: String = "teacher: t") -> SearchIdentity {
        SearchIdentity(plan: plan, folds: driver.folds, metric: driver.metric, base: base)
    }

    /// Best at temperature 2 and alpha 0.7; a later fold is a little worse; more training is better.
    static func result(_ settings: [String: String], _ fold: Int, _ budget: Double) throws -> TrialResult {
        let temperature = Double(settings["temperature"] ?? "") ?? 2
        let alpha = Double(settings["alpha"] ?? "") ?? 0.7
        let metric =
            0.9 - abs(temperature - 2) / 16 - abs(alpha - 0.7) / 4 - Double(fold) / 64 - (1 - budget) / 8
        return TrialResult(metric: metric, metrics: ["macro_f1": metric / 2, "macroF1": 1], seconds: 1.5)
    }

    /// Calls the body with an empty directory, and removes it.
    static func withDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-tuning-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory.appending(path: "tuning"))
    }
}

/// Counts the runs of a closure that cannot change variables of its own.
final class RunCounter {
    var keys: [String] = []

    func add(_ settings: [String: String], _ fold: Int, _ budget: Double) {
        let values = settings.sorted { $0.key < $1.key }.map(\.value)
        keys.append((values + ["\(fold)", "\(budget)"]).joined(separator: " "))
    }
}
