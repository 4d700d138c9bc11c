import ArgumentParser
import Distillation
import Foundation
import Transformers

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Search for the best settings of `run`, by cross-validation.",
        discussion: """
            The configuration file holds the settings of `run`, and under search: the settings to search, each with a \
            list of values or a range: uniform(0, 1), loguniform(1e-5, 1e-3) or int(2, 6). Each combination is \
            trained on all folds but one and judged on that one, for each fold. The best settings are then used for a \
            run on all of the data. A search that was interrupted goes on where it was.

            The output directory gets best.yaml (for `run --config`), tuning.json (everything), heat-map.svg, \
            trials.jsonl (what was done so far), and the model.

            Examples:
              distill tune --config distill.yaml --output tuning --search temperature=1,2,4,8 --search alpha=0.5,0.9
              distill tune --config distill.yaml --output tuning --strategy random --trials 30 --folds 5 \\
                           --search "learning_rate=loguniform(1e-5,1e-3)" --search "layers=int(2,6)"
              distill tune --config tune.yaml --output tuning --strategy halving --eta 3 --metric macro_f1
              distill run --config tuning/best.yaml --output student

            tune.yaml:
              teacher: teacher
              train: train.csv
              layers: 3
              strategy: random
              trials: 20
              search:
                temperature: [1, 2, 4, 8]
                alpha: [0.3, 0.5, 0.7, 0.9, 1.0]
                learning_rate: loguniform(1e-5, 1e-3)
            """)

    @Option(
        help: ArgumentHelp(
            "A YAML file with the settings of `run`, and what to search.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(
        help: ArgumentHelp(
            "A setting and its values; may be given several times, and overrides the file's.",
            valueName: "name=values"))
    var search: [String] = []

    @Option(
        help:
            "grid (all combinations), random, or halving (many short trials, the best of them longer). (default: grid)"
    )
    var strategy: StrategyName?

    @Option(
        help:
            "How many combinations to try. (default: 20 at random; for halving all of the lists, or 27 where there are ranges)"
    )
    var trials: Int?

    @Option(help: "Folds of the cross-validation; 1 for the validation data alone. (default: 3)")
    var folds: Int?

    @Option(
        help:
            "What to make as good as it can be: accuracy, macro_f1, kl, … (default: accuracy, micro_f1 or r2)"
    )
    var metric: String?

    @Option(
        help:
            "Whether to maximize or to minimize it. (default: minimize for losses, errors and times)"
    )
    var direction: MetricDirection?

    @Option(help: "Decides folds and random combinations, and all else that a run draws. (default: 42)")
    var seed: UInt64?

    @Option(help: "halving: one in so many trials goes on, with so many times the training. (default: 3)")
    var eta: Int?

    @Option(help: "halving: the least share of the training to judge by. (default: 0.1)")
    var minBudget: Double?

    @Flag(
        inversion: .prefixedNo,
        help: "Train on all data with the best settings at the end. (default: --refit)"
    )
    var refit: Bool?

    @Option(
        help: ArgumentHelp(
            "The settings along the heat map's axes. (default: those with the most values)",
            valueName: "x,y"))
    var axes: String?

    @Option(
        help: ArgumentHelp("The directory for results and model.", valueName: "dir"), completion: .directory)
    var output: String

    @Flag(help: "Start anew where the output directory holds another search.")
    var overwrite = false

    @OptionGroup(title: "Running") var display: DisplayOptions

    func run() throws {
        let tuning = try request()
        try tuning.checkTrials()
        Interrupt.install(keepsWork: true)
        let renderer = RunRenderer(quiet: display.quiet)
        let trials = TuningTrials(
            folds: tuning.driver.folds, seed: tuning.driver.plan.seed, metric: tuning.driver.metric.name,
            onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        let report = try search(tuning) { settings, fold, budget in
            try trials.run(tuning.run(settings), fold: fold, budget: budget)
        }
        try display.print(report) { (display.quiet ? "" : "\n") + TuningText.report(report) }
        if report.interrupted { throw ExitCode(Interrupt.exitCode) }
        guard tuning.refit, let best = report.best else { return }
        let refit = try UsageError.checking { try DistillationRun(tuning.run(best)) }
        try TrainingRun.perform(display, prints: !display.json) { try refit.run(onEvent: $0, shouldStop: $1) }
    }

    /// Does the trials that the journal does not have, and writes the results.
    func search(_ tuning: TuningRequest, run: TuningDriver.Run) throws -> TuningReport {
        let journal = try TrialJournal(
            directory: tuning.output, identity: tuning.identity, overwrite: overwrite)
        let report = try tuning.driver.run(
            journal: journal, onEvent: { show($0, tuning) }, shouldStop: { Interrupt.isRequested }, run: run)
        try tuning.save(report)
        return report
    }

    private func show(_ event: TuningEvent, _ tuning: TuningRequest) {
        if display.quiet { guard case .warning = event else { return } }
        let line = TuningText.line(
            event, names: tuning.driver.plan.space.names, folds: tuning.driver.folds,
            metric: tuning.driver.metric.name)
        if let line { Terminal.error(line) }
    }
}

extension TuneCommand {
    /// The flags and the configuration file as one request.
    func request() throws -> TuningRequest {
        let file = try TuneFile(path: config)
        let settings = Settings(file: file.settings)
        let seed = try settings.value("seed", seed) ?? 42
        let metric = TuningMetric(
            try settings.value("metric", metric) ?? taskMetric(file),
            direction: try settings.value("direction", direction))
        let folds = try settings.value("folds", folds) ?? 3
        let strategy = try searchStrategy(settings)
        let axes = try settings.value("axes", axes).map { text in
            text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let refit = try settings.value("refit", refit) ?? true
        return try UsageError.checking {
            let space = try space(file)
            if let fixed = space.names.first(where: TuneFile.fixedNames.contains) {
                throw DistillationError("search: \(fixed): this setting is not one that a trial can change")
            }
            if let axes {
                for name in axes where !space.names.contains(name) {
                    throw DistillationError(
                        "axes: '\(name)' is not searched; choose from \(space.names.joined(separator: ", "))")
                }
            }
            let plan = try SearchPlan(space: space, strategy: strategy, seed: seed)
            let driver = try TuningDriver(plan: plan, folds: folds, metric: metric)
            return TuningRequest(
                file: file, driver: driver, seedOption: self.seed, axes: axes, refit: refit,
                output: URL(filePath: output, directoryHint: .isDirectory))
        }
    }

    /// The metric of the teacher's task; accuracy where the file names no teacher that can be read, which ends the search
    /// later.
    private func taskMetric(_ file: TuneFile) -> String {
        let settings = Settings(file: file.settings)
        let teacher = (try? RunOptions.parse([]).teaching.teachers(settings))?.first?.directory
        let type = teacher.flatMap { try? ModelConfiguration(contentsOf: $0).task }
        return MetricName.defaultForBest(type ?? .singleLabel).rawValue
    }

    /// The file's settings with the command line's in their place.
    private func space(_ file: TuneFile) throws -> SearchSpace {
        let options = try search.map { try SearchDimension(option: $0) }
        // A setting that the command line has twice is an error of its own.
        if !options.isEmpty { _ = try SearchSpace(options) }
        let kept = try file.dimensions().map { dimension in
            options.first { $0.name == dimension.name } ?? dimension
        }
        let added = options.filter { option in !kept.contains { $0.name == option.name } }
        return try SearchSpace(kept + added)
    }

    private func searchStrategy(_ settings: Settings) throws -> SearchStrategy {
        let name = try settings.value("strategy", strategy) ?? .grid
        let trials = try settings.value("trials", trials)
        let eta = try settings.value("eta", eta)
        let minBudget = try settings.value("min_budget", minBudget)
        switch name {
        case .grid:
            guard trials == nil else {
                throw UsageError(
                    "trials: a grid tries every combination; remove trials, or pass --strategy random")
            }
            return .grid
        case .random: return .random(trials: trials ?? 20)
        case .halving: return .halving(trials: trials, eta: eta ?? 3, minBudget: minBudget ?? 0.1)
        }
    }
}
