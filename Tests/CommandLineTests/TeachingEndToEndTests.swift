import Distillation
import Foundation
import Testing
import Tuning

/// What a user can ask for beside the recipe, from the outside.
@Suite("End to end: ways to teach")
struct TeachingEndToEndTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func run(_ arguments: [String], to name: String) throws -> RunReport {
        let result = try Program.run(
            [
                "run", "--quiet", "--json", "--train", Program.reviews.path, "--output", scratch.path(name),
                "--layers", "2", "--hidden-size", "32", "--epochs", "1",
            ] + arguments)
        try #require(result.status == 0, "\(result.errors)")
        return try JSONText.decode(RunReport.self, from: result.output)
    }

    @Test("two teachers with weights, from flags and from the file: the same student")
    func teachers() throws {
        // Its head is turned round, so that it teaches the opposite.
        let opposite = try scratch.model(
            "opposite", config: ("\"0\": \"negative\"", "\"0\": \"positive\""),
            ("\"1\": \"positive\"", "\"1\": \"negative\""), ("\"negative\": 0", "\"negative\": 1"),
            ("\"positive\": 1", "\"positive\": 0"))
        let flags = try run(
            ["--teacher", Program.teacher.path, "--teacher", opposite, "--teacher-weights", "2,1"], to: "a")
        #expect(flags.settings.teachers?.map(\.weight) == [2, 1])
        let file = try scratch.write(
            """
            teachers:
              - {directory: \(Program.teacher.path), weight: 2}
              - {directory: \(opposite), weight: 1}
            """, to: "distill.yaml")
        let report = try run(["--config", file], to: "b")
        #expect(report.settings.teachers == flags.settings.teachers)
        let weights = try ["a", "b"].map {
            try Data(contentsOf: scratch.url.appending(path: "\($0)/model.safetensors"))
        }
        #expect(weights[0] == weights[1])
        // The heavier teacher is right, the lighter one makes both less sure than the first alone.
        let single = try run(["--teacher", Program.teacher.path], to: "c")
        let (joined, alone) = (try #require(flags.teacher), try #require(single.teacher))
        #expect(joined.accuracy == alone.accuracy)
        #expect(try #require(joined.metrics[.entropy]) > #require(alone.metrics[.entropy]) + 0.1)
    }

    @Test("balanced class weights change what is learnt from uneven classes, and nothing from even ones")
    func classWeights() throws {
        let lines = try String(contentsOf: Program.reviews, encoding: .utf8).split(
            whereSeparator: \.isNewline)
        let positive = lines.dropFirst().filter { $0.hasSuffix(",positive") }
        let negative = lines.dropFirst().filter { $0.hasSuffix(",negative") }
        func loss(_ name: String, negatives: Int, _ arguments: [String]) throws -> Double {
            let rows = lines.prefix(1) + positive.prefix(32) + negative.prefix(negatives)
            let data = try scratch.write(rows.joined(separator: "\n") + "\n", to: "\(name).csv")
            let report = try run(
                [
                    "--teacher", Program.teacher.path, "--train", data, "--validation", Program.reviews.path,
                    "--batch-size", "64", "--alpha", "0", "--max-steps", "12", "--learning-rate", "2e-3",
                ] + arguments, to: name)
            #expect(report.settings.training.classWeights == (arguments.isEmpty ? nil : "balanced"))
            return try #require(report.epochs.last?.trainTerms["cross_entropy"])
        }
        let balanced = ["--class-weights", "balanced"]
        #expect(
            try abs(loss("uneven", negatives: 4, []) - loss("uneven-b", negatives: 4, balanced)) > 0.05)
        #expect(try abs(loss("even", negatives: 32, []) - loss("even-b", negatives: 32, balanced)) < 1e-6)
        let wrong = try Program.run([
            "run", "--quiet", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--output",
            scratch.path("wrong"), "--layers", "2", "--hidden-size", "32", "--class-weights", "1,2,3",
        ])
        #expect(wrong.status == 1 && wrong.errors.contains("class_weights"), "\(wrong.errors)")
        #expect(try !scratch.entries.contains("wrong"))
    }

    @Test("stages, a baseline and seeds from a configuration file")
    func stages() throws {
        let file = try scratch.write(
            """
            teacher: \(Program.teacher.path)
            test: \(Program.reviews.path)
            baseline: true
            seeds: 2
            stages:
              - {name: layers, epochs: 1, objectives: [hidden_mse]}
              - name: logits
                epochs: 1
                objectives:
                  - {name: kl, weight: 0.7, temperature: "linear(8, 1)"}
                  - cross_entropy(weight=0.3)
            """, to: "distill.yaml")
        let report = try run(["--config", file], to: "out")
        #expect(report.epochs.map(\.stage) == ["layers", "logits"])
        #expect(report.settings.stages?.map(\.name) == ["layers", "logits"])
        #expect(report.seeds?.runs.map(\.seed) == [42, 43])
        let gain = try #require(report.gain)
        #expect(gain.low <= gain.difference && gain.difference <= gain.high)
        #expect(report.test?.student.examples == 120)
    }

    @Test("tune: a grid on two folds, gone on with where it was, and its best settings run")
    func tune() throws {
        let file = try scratch.write(
            """
            teacher: \(Program.teacher.path)
            train: \(Program.reviews.path)
            layers: 2
            hidden_size: 32
            num_train_epochs: 1
            learning_rate: 2e-3
            search:
              temperature: [1, 4]
              alpha: [0.5, 0.9]
            """, to: "tune.yaml")
        let output = scratch.path("tuning")
        func tune(_ arguments: [String]) throws -> (report: TuningReport, errors: String) {
            let result = try Program.run(
                ["tune", "--config", file, "--output", output, "--folds", "2", "--json"] + arguments)
            try #require(result.status == 0, "\(result.errors)")
            return (try JSONText.decode(TuningReport.self, from: result.output), result.errors)
        }
        let (first, told) = try tune([])
        #expect(first.runs == 8 && first.runsFromJournal == 0 && !first.interrupted)
        #expect(told.contains("[8/8]"), "\(told)")
        #expect(first.trials.count == 4 && first.trials.map(\.rank) == [1, 2, 3, 4])
        let means = try first.trials.map { try #require($0.mean) }
        #expect(means == means.sorted(by: >) && means.allSatisfy { (0...1).contains($0) })
        #expect(first.trials.allSatisfy { $0.state == .finished && $0.folds.count == 2 })
        // Teachers do not differ between trials: each fold's students agree with the same answers.
        #expect(first.trials.allSatisfy { $0.metrics["agreement"] != nil && $0.metrics["kl"] != nil })
        let names = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(
            Set(names).isSuperset(of: ["best.yaml", "heat-map.svg", "model", "trials.jsonl", "tuning.json"]))
        let map = try String(contentsOfFile: output + "/heat-map.svg", encoding: .utf8)
        #expect(map.contains("<svg ") && map.contains("temperature") && map.contains("alpha"))
        let answer = try Program.run(
            ["predict", "--model", output + "/model"], input: "a brilliant film\n")
        #expect(answer.status == 0 && answer.output.contains("\"label\""))

        let journal = try Data(contentsOf: URL(filePath: output + "/trials.jsonl"))
        let (second, _) = try tune(["--no-refit"])
        #expect(second.runsFromJournal == 8 && second.best == first.best)
        #expect(second.trials == first.trials)
        #expect(try Data(contentsOf: URL(filePath: output + "/trials.jsonl")) == journal)

        // A program that searches the same goes on with the same journal.
        let program = try TuningRun(search(in: URL(filePath: output, directoryHint: .isDirectory)))
        let third = try program.search()
        #expect(third.runsFromJournal == 8 && third.trials == first.trials && third.best == first.best)

        let best = try Program.run([
            "run", "--quiet", "--json", "--config", output + "/best.yaml", "--output", scratch.path("best"),
        ])
        try #require(best.status == 0, "\(best.errors)")
        let report = try JSONText.decode(RunReport.self, from: best.output)
        let wanted = try #require(first.best)
        #expect(report.settings.temperature?.description == wanted["temperature"])
        #expect(report.settings.alpha?.description == wanted["alpha"])
        // The refit was this very run.
        let weights = try [output + "/model", scratch.path("best")].map {
            try Data(contentsOf: URL(filePath: $0 + "/model.safetensors"))
        }
        #expect(weights[0] == weights[1])
    }

    /// The search of the file above.
    private func search(in output: URL) throws -> TuningRequest {
        var request = TuningRequest(
            settings: [
                "teacher": SettingNode(Program.teacher.path), "train": SettingNode(Program.reviews.path),
                "layers": 2, "hidden_size": 32, "num_train_epochs": 1, "learning_rate": "2e-3",
            ],
            space: try SearchSpace([
                SearchDimension(name: "temperature", domain: .choice([1, 4])),
                SearchDimension(name: "alpha", domain: .choice([0.5, 0.9])),
            ]), output: output)
        request.folds = 2
        return request
    }
}
