import ArgumentParser
import Distillation
import Foundation
import Tuning

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Search for the best settings of `run`, by cross-validation.",
        discussion: """
            The configuration file holds the settings of `run`, and under search: the settings to search, each with a \
            list of values or a range: uniform(0, 1), loguniform(1e-5, 1e-3) or int(2, 6). Each combination is \
            trained on all folds but one and evaluated on that one, for each fold. The best settings are then used for a \
            run on all of the data. A search that was interrupted goes on where it was. With --processes each run is trained \
            by one of the processes.

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
    var strategy: SearchStrategyName?

    @Option(
        help:
            "How many combinations to try. (default: 20 at random; for halving all of the lists, or 27 where there are ranges)"
    )
    var trials: Int?

    @Option(help: "Folds of the cross-validation; 1 for the validation data alone. (default: 3)")
    var folds: Int?

    @Option(
        help:
            "What to make as good as it can be: accuracy, macro_f1, kl, … (default: accuracy, micro_f1, r2, f1 of entities, agreement of embeddings, or kl of language models)"
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

    @Option(help: "halving: the smallest fraction of the training to evaluate by. (default: 0.1)")
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
    @OptionGroup(title: "Running") var processes: ProcessOptions

    func run() throws {
        let tuning = try tuning()
        try tuning.check()
        try processes.perform(threads: nil) { try run(tuning, $0) }
    }

    private func run(_ tuning: TuningRun, _ processes: Processes?) throws {
        Interrupt.install(.checkpoints)
        let isFirst = processes?.isFirst ?? true
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try tuning.search(
            onEvent: { if isFirst { show($0, of: tuning, renderer) } },
            stopRequest: { Interrupt.stopRequest }, processes: processes)
        if isFirst {
            try display.print(report) { (display.quiet ? "" : "\n") + TuningText.report(report) }
        }
        if report.interrupted { throw ExitCode(Interrupt.exitCode) }
        guard let refit = try tuning.refit(report) else { return }
        try TrainingRun.perform(display, prints: !display.json, isFirst: isFirst) {
            try refit.run(onEvent: $0, stopRequest: $1, processes: processes)
        }
    }

    private func show(_ event: TuningEvent, of tuning: TuningRun, _ renderer: RunRenderer) {
        if case .run(let event) = event { return renderer.handle(event) }
        if display.quiet { guard case .warning = event else { return } }
        let line = TuningText.line(
            event, names: tuning.driver.plan.space.names, folds: tuning.driver.folds,
            metric: tuning.driver.metric.name)
        if let line { Terminal.error(line) }
    }
}

extension TuneCommand {
    /// The flags and the configuration file as one search.
    func tuning() throws -> TuningRun {
        var settings = try Settings(path: config)
        settings.override("strategy", strategy)
        settings.override("trials", trials)
        settings.override("folds", folds)
        settings.override("metric", metric)
        settings.override("direction", direction)
        settings.override("seed", seed)
        settings.override("eta", eta)
        settings.override("min_budget", minBudget)
        settings.override("refit", refit)
        settings.override("axes", axes)
        return try UsageError.checking {
            var request = try TuningRequest(
                settings, searching: search.map { try SearchDimension(option: $0) },
                output: URL(filePath: output, directoryHint: .isDirectory), locator: .commandLine)
            request.overwrite = overwrite
            return try TuningRun(request)
        }
    }
}

extension SearchStrategyName: ExpressibleByArgument {}
extension MetricDirection: ExpressibleByArgument {}
