import ArgumentParser
import Distillation
import Foundation
import Testing
import Tuning

@testable import distill

@Suite("tune: options, files and text")
struct TuneTests {
    private let base = """
        # The usual.
        teacher: t
        train: a.csv
        temperature: 4
        layers: 3
        learning_rate: 1e-4
        """

    private func request(_ arguments: [String] = [], yaml: String) throws -> TuningRun {
        let scratch = try Scratch()
        let file = try scratch.write(yaml, to: "tune.yaml")
        return try TuneCommand.parse(["--config", file, "--output", "o"] + arguments).tuning()
    }

    @Test("the defaults are a grid, three folds, accuracy and the run's seed")
    func defaults() throws {
        let request = try request(["--search", "temperature=1,2"], yaml: base + "\nseed: 7")
        #expect(request.driver.plan.strategy == .grid && request.driver.plan.seed == 7)
        #expect(request.driver.folds == 3 && request.driver.metric == TuningMetric("accuracy"))
        #expect(request.request.refit && request.request.axes == nil)
        #expect(request.driver.plan.candidates.map { $0.map(\.text) } == [["1"], ["2"]])
    }

    @Test("every option reaches its setting, from flags and from the file")
    func options() throws {
        let flags = try request(
            [
                "--search", "temperature=1,2", "--search", "alpha=uniform(0,1)", "--strategy", "halving",
                "--trials", "8", "--folds", "5", "--metric", "agreement", "--direction", "minimize", "--seed",
                "3", "--eta", "2", "--min-budget", "0.25", "--no-refit", "--axes", "alpha,temperature",
            ], yaml: base)
        let yaml = """

            seed: 3
            strategy: halving
            trials: 8
            folds: 5
            metric: agreement
            direction: minimize
            eta: 2
            min_budget: 0.25
            refit: false
            axes: alpha,temperature
            search:
              temperature: [1, 2]
              alpha: uniform(0, 1)
            """
        for request in [flags, try request(yaml: base + yaml)] {
            let driver = request.driver
            #expect(driver.plan.strategy == .halving(trials: 8, eta: 2, minBudget: 0.25))
            #expect(driver.plan.seed == 3 && driver.folds == 5 && !request.request.refit)
            #expect(driver.metric == TuningMetric("agreement", direction: .minimize))
            #expect(request.request.axes == ["alpha", "temperature"])
            #expect(driver.plan.space.names == ["temperature", "alpha"])
            #expect(driver.plan.candidates == flags.driver.plan.candidates)
        }
        let random = try request(["--strategy", "random", "--search", "alpha=uniform(0,1)"], yaml: base)
        #expect(random.driver.plan.candidates.count == 20)
    }

    @Test("search: holds lists, lists of lists, texts and ranges; options take the place of the file's")
    func search() throws {
        let text = """
            strategy: random
            trials: 1
            search:
              temperature: [1, 2.0, "linear(8,1)", 'x, y']
              teacher_layers: [[0, 2, 4], [1, 3, 5]]
              learning_rate: loguniform(1e-5, 1e-3)
              layers: int(2, 6)
              init: [random, teacher-layers]
              alpha: 0.5
            """
        let dimensions = try self.request(yaml: text).driver.plan.space.dimensions
        #expect(
            dimensions.map { "\($0.name)=\($0.domain)" } == [
                "temperature=[1, 2.0, linear(8,1), \"x, y\"]", "teacher_layers=[[0, 2, 4], [1, 3, 5]]",
                "learning_rate=loguniform(1e-05, 0.001)", "layers=int(2, 6)", "init=[random, teacher-layers]",
                "alpha=[0.5]",
            ])
        let request = try request(
            ["--search", "alpha=1", "--search", "layers=2"],
            yaml: base + "\nsearch:\n  alpha: [0.3, 0.5]\n  temperature: [1, 2]")
        #expect(
            request.driver.plan.space.dimensions.map { "\($0.name)=\($0.domain)" } == [
                "alpha=[1]", "temperature=[1, 2]", "layers=[2]",
            ])
    }

    @Test(
        "a wrong search is refused with its line and what to do",
        arguments: [
            ("search:\n  alpha: []", "line 2: search: alpha: the list is empty"),
            ("search:\n  alpha:", "line 2: search: alpha: the list is empty"),
            (
                "search:\n\n  alpha: uniform(1, 0)",
                "line 3: search: alpha: uniform(1.0, 0.0) needs low < high"
            ),
            ("search:\n  alpha: [1, 1.0]", "search: alpha: 1.0 is there twice (as 1)"),
            ("search:\n  alpha: {a: 1}", "search: alpha: must be a list of values or a range"),
            ("search:\n  alpha: [{a: 1}]", "search: alpha: a value must be a number, a text or a list"),
            (
                "search:\n  t: [linear(8,1), 4]",
                "search: t: the value 'linear(8' has brackets that do not close"
            ),
            ("search: [1, 2]", "line 1: search must hold a setting and its values a line"),
            ("search:\n  alpha: uniform(0, 1)", "which a grid cannot cover"),
            ("search:\n  output: [a, b]", "search: output: this setting is not one that a trial can change"),
            ("teacher: t", "search: there is nothing to search"),
            ("search:", "search: there is nothing to search"),
            ("search:\n  alpha: [1]\nstrategy: magic", "strategy must be one of grid, random, halving"),
            ("search:\n  alpha: [1]\ntrials: 3", "trials: a grid tries every combination"),
            ("search:\n  alpha: [1]\nfolds: 0", "folds must be at least 1, got 0"),
            ("search:\n  alpha: [1]\nfolds: many", "folds must be a whole number, got many"),
            ("search:\n  alpha: [1]\naxes: beta", "axes: 'beta' is not searched; choose from alpha"),
            ("search: 'open", "this is not YAML"),
        ])
    func wrongSearch(yaml: String, expected: String) throws {
        let error = #expect(throws: UsageError.self) { try request(yaml: yaml) }
        let message = try #require(error?.description)
        #expect(message.contains(expected) && !message.contains("\n"), "\(message)")
    }

    @Test("a run's file has the base settings in their order, the searched ones in their place")
    func runText() throws {
        let tuning = try request(
            ["--search", "temperature=linear(8,1)", "--search", "alpha=0.5", "--search", "layers=[1, 2]"]
                + ["--search", "text_column=a: b"],
            yaml: base + "\nstrategy: grid\nsearch:\n  alpha: [1]\nteacher_layers: [0, 2, 5]")
        let values = [
            "temperature": "linear(8,1)", "alpha": "0.5", "layers": "[1, 2]", "text_column": "a: b",
        ]
        let text = try tuning.settings(values).yaml(comments: ["one\nline"])
        #expect(
            text == """
                # one line
                teacher: t
                train: a.csv
                temperature: linear(8,1)
                layers: [1, 2]
                learning_rate: 1e-4
                teacher_layers: [0, 2, 5]
                alpha: 0.5
                text_column: 'a: b'

                """)
    }

    private func report(_ request: TuningRun, failing: Bool = false) throws -> TuningReport {
        try request.driver.run { settings, fold, budget in
            if failing, settings["temperature"] == "1" { throw DistillationError("no way") }
            let temperature = Double(settings["temperature"] ?? "") ?? 0
            return TrialResult(
                metric: 0.8 + temperature / 64 + Double(fold) / 128 - (1 - budget) / 8, seconds: 30)
        }
    }

    @Test("best.yaml is a configuration of `run` with the best values")
    func bestFile() throws {
        let request = try request(
            ["--seed", "9"],
            yaml: base
                + "\nsearch:\n  temperature: [1, 2]\n  init: [teacher-layers]\n  teacher_layers: [[0, 2, 5]]")
        let text = try #require(try request.bestSettings(report(request)))
        #expect(
            text.hasPrefix(
                "# The best of 2 trials of `distill tune`: accuracy 0.8391 ± 0.0078 (mean over 3 folds).\n"))
        let scratch = try Scratch()
        let path = try scratch.write(text, to: "best.yaml")
        let run = try RunCommand.parse(["--config", path, "--output", "o"]).request()
        #expect(run.temperature == 2 && run.training.seed == 9 && run.training.learningRate == 1e-4)
        #expect(run.student.layers == 3 && run.student.initialization == .teacherLayers)
        #expect(run.student.teacherLayers == [0, 2, 5] && run.teacher.relativePath == "t")
        #expect(try request.distillation(["temperature": "1"]).temperature == 1)
    }

    @Test("comments do not make another search, settings do")
    func identity() throws {
        func digest(_ yaml: String) throws -> String {
            try request(["--search", "alpha=0.1,0.5"], yaml: yaml).identity.digest
        }
        let expected = try digest(base)
        #expect(try digest(base + "\n# more\naxes: alpha\nrefit: false") == expected)
        #expect(try digest(base + "\nmax_length: 64") != expected)
    }

    @Test("the ranking as a table, the best first")
    func table() throws {
        let request = try request(["--search", "temperature=1,2,4", "--search", "init=random"], yaml: base)
        let text = TuningText.report(try report(request, failing: true))
        #expect(
            text == """
                accuracy (mean over 3 folds; more is better), grid search:

                rank   temperature     init   accuracy        ±   time
                ──────────────────────────────────────────────────────
                1                4   random     0.8703   0.0078   1:30
                2                2   random     0.8391   0.0078   1:30
                –                1   random     failed            0:00
                trial 1 failed: no way

                Best: temperature 4, init random: accuracy 0.8703 ± 0.0078
                Searched with 7 runs (3:00)
                """)
        let halving = try self.request(
            [
                "--search", "temperature=1,2,3,4", "--strategy", "halving", "--eta", "2", "--min-budget",
                "0.5",
            ],
            yaml: base)
        let short = TuningText.report(try report(halving), limit: 2)
        #expect(short.contains("budget") && short.contains("… and 2 more trials") && short.contains("100 %"))
    }

    @Test("events as lines")
    func lines() throws {
        let request = try request(["--search", "temperature=1,2"], yaml: base)
        var lines: [String] = []
        _ = try request.driver.run(
            onEvent: { event in
                let line = TuningText.line(event, names: ["temperature"], folds: 3, metric: "accuracy")
                if let line { lines.append(line) }
            },
            run: { settings, _, _ in
                if settings["temperature"] == "1" { throw DistillationError("no way") }
                return TrialResult(metric: 0.5, seconds: 5)
            })
        #expect(
            lines == [
                "2 trials, 6 runs at most", "[1/6] temperature 1  fold 1/3  failed: no way  0:00",
                "[2/6] temperature 2  fold 1/3  accuracy 0.5000  0:05",
                "[3/6] temperature 2  fold 2/3  accuracy 0.5000  0:05",
                "[4/6] temperature 2  fold 3/3  accuracy 0.5000  0:05",
            ])
        #expect(
            TuningText.line(.warning("w"), names: [], folds: 1, metric: "") == "WARNING: w")
    }

    @Test("a search leaves its files, and goes on from them; another one does not touch them")
    func files() throws {
        let scratch = try Scratch()
        let config = try scratch.write(
            base + "\nsearch:\n  temperature: [1, 2, 4]\n  alpha: [0.5, 0.9]", to: "t.yaml")
        let output = scratch.path("tuning")
        func search(_ arguments: [String] = []) throws -> TuningReport {
            let command = try TuneCommand.parse(
                ["--config", config, "--output", output, "--quiet"] + arguments)
            return try command.tuning().search { settings, fold, _ in
                TrialResult(metric: Double(settings["alpha"] ?? "") ?? 0, seconds: 1)
            }
        }
        func text(_ name: String) throws -> String {
            try String(contentsOf: scratch.url.appending(path: "tuning/\(name)"), encoding: .utf8)
        }
        let report = try search()
        #expect(report.runs == 18 && report.runsFromJournal == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(
            Set(names) == [".lock", "best.yaml", "heat-map.svg", "trials.jsonl", "tuning.json"])
        #expect(try JSONText.decode(TuningReport.self, from: text("tuning.json")) == report)
        #expect(try text("best.yaml").contains("alpha: 0.9") && text("heat-map.svg").contains("</svg>"))
        #expect(try text("trials.jsonl").split(separator: "\n").count == 19)

        #expect(try search(["--axes", "alpha"]).runsFromJournal == 18)
        #expect(try text("heat-map.svg").contains(">accuracy by alpha<"))
        let error = #expect(throws: DistillationError.self) { try search(["--folds", "2"]) }
        #expect(error?.description.contains("it had 3 folds, not 2") == true)
        #expect(try text("trials.jsonl").split(separator: "\n").count == 19)
        #expect(try search(["--folds", "2", "--overwrite"]).runsFromJournal == 0)
    }

    @Test("errors in a trial's settings name them")
    func trialErrors() throws {
        let request = try request(["--search", "temperature=1,hot"], yaml: base)
        let error = #expect(throws: UsageError.self) { try request.check() }
        let message = try #require(error?.description)
        #expect(message.contains("tune.yaml with temperature hot: temperature must be a number"))
    }

    @Test("help has examples")
    func help() { #expect(TuneCommand.helpMessage().contains("Examples:")) }
}
