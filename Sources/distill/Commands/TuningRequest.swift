import ArgumentParser
import Distillation
import Files
import Foundation

/// What `distill tune` is to do.
struct TuningRequest {
    let file: TuneFile
    let driver: TuningDriver
    /// A seed from the command line, which every run takes.
    let seedOption: UInt64?
    let axes: [String]?
    let refit: Bool
    let output: URL

    var identity: SearchIdentity {
        get throws {
            SearchIdentity(
                plan: driver.plan, folds: driver.folds, metric: driver.metric,
                base: try file.runText(with: common) + run(driver.plan.settings(of: 0)).inputDigests)
        }
    }

    /// The settings of `run` with some values in their place.
    func configuration(_ settings: [String: String]) throws -> ConfigurationFile {
        try file.runConfiguration(with: values(settings))
    }

    /// A trial's run, or the refit's: the model goes into `model` in the output directory.
    func run(_ settings: [String: String]) throws -> DistillRequest {
        let settings = Settings(file: try configuration(settings))
        var request = try RunOptions.parse([]).request(
            settings, output: output.appending(path: "model").path)
        request.output = output.appending(path: "model")
        request.overwrite = true
        for name in TuneFile.ownNames { settings.ignore(name) }
        try settings.finish()
        return request
    }

    /// Reads the settings of every trial, so that a mistyped name or value ends the search before it begins.
    func checkTrials() throws {
        for trial in driver.plan.candidates.indices {
            let request = try run(driver.plan.settings(of: trial))
            _ = try UsageError.checking { try DistillationRun(request) }
        }
    }

    /// The best settings as a configuration file of `run`; `nil` where no trial was finished.
    func bestText(_ report: TuningReport) throws -> String? {
        guard let best = report.bestTrial, let mean = best.mean else { return nil }
        let deviation = best.standardDeviation.map { " ± " + TuningText.number($0) } ?? ""
        let folds = report.folds > 1 ? "mean over \(report.folds) folds" : "on the validation data"
        let share = best.budget < 1 ? ", after a share of \(best.budget) of the training" : ""
        return try file.runText(
            with: values(best.settings),
            comments: [
                "The best of \(report.trials.count) trials of `distill tune`: "
                    + "\(report.metric.name) \(TuningText.number(mean))\(deviation) (\(folds)\(share))."
            ])
    }

    /// Writes `tuning.json`, `heat-map.svg` and `best.yaml`.
    func save(_ report: TuningReport) throws {
        try report.save(in: output, axes: axes)
        if let best = try bestText(report) {
            try AtomicFile.write(best, to: output.appending(path: "best.yaml"))
        }
    }

    private var common: [(name: String, value: String)] {
        seedOption.map { [(name: "seed", value: "\($0)")] } ?? []
    }

    private func values(_ settings: [String: String]) -> [(name: String, value: String)] {
        common
            + driver.plan.space.names.compactMap { name in settings[name].map { (name: name, value: $0) } }
    }
}

/// The strategies as the command line names them.
enum StrategyName: String, CaseIterable, ExpressibleByArgument, SettingValue {
    case grid, random, halving
}

extension MetricDirection: ExpressibleByArgument, SettingValue {}
