import Files
import Foundation
import Testing

@testable import Distillation
@testable import Tuning

/// Searches as a program makes them, with students that are really trained.
@Suite("Tuning from a program")
struct TuningRunTests {
    private static let settings: Settings = [
        "teacher": SettingNode(Support.teacher.path), "train": SettingNode(Support.reviews.path),
        "layers": 2, "hidden_size": 32, "num_train_epochs": 1,
        "cache_dir": SettingNode(Support.cache.root.path),
    ]

    private static func request(_ output: URL, temperatures: [SearchValue] = [1, 4]) throws -> TuningRequest {
        let space = try SearchSpace([
            SearchDimension(name: "temperature", domain: .choice(temperatures)),
            SearchDimension(name: "learning_rate", domain: .choice(["1e-3", "5e-3"])),
        ])
        var request = TuningRequest(settings: settings, space: space, output: output)
        request.folds = 2
        return request
    }

    @Test("a search under a wrong name is named, rather than said to be missing")
    func unknownSetting() throws {
        var settings = Self.settings
        settings["serch"] = ["temperature": [1, 4]]
        let error = #expect(throws: SettingsError.self) {
            try TuningRequest(settings, output: URL(filePath: "o"))
        }
        #expect(error?.description.contains("there is no setting 'serch'; did you mean search?") == true)
    }

    @Test("a search trains each trial on each fold, keeps what it did, and trains a student with the best")
    func run() throws {
        try TuningFixture.withDirectory { output in
            var shared: [String] = []
            let outcome = try TuningRun(Self.request(output)).run(onEvent: { event in
                if case .run(.phaseStarted(let name)) = event { shared.append(name) }
            })
            let search = outcome.search
            #expect(search.runs == 8 && search.runsFromJournal == 0 && !search.interrupted)
            #expect(search.metric == TuningMetric("accuracy") && search.trials.map(\.rank) == [1, 2, 3, 4])
            let means = try search.trials.map { try #require($0.mean) }
            #expect(means == means.sorted(by: >))
            // For the trials together, and for the student at the end.
            #expect(shared.count { $0 == "Teacher's outputs" } == 2)
            let refit = try #require(outcome.refit)
            #expect(refit.settings.temperature?.description == search.best?["temperature"])
            #expect(
                refit.settings.training.learningRate == search.best?["learning_rate"].flatMap(Double.init))
            let names = try FileManager.default.contentsOfDirectory(atPath: output.path)
            #expect(
                Set(names)
                    == [".lock", "best.yaml", "heat-map.svg", "model", "trials.jsonl", "tuning.json"])

            // The file of the best settings is the same run.
            let best = try DistillRequest(
                Settings(contentsOf: output.appending(path: "best.yaml")), output: output)
            #expect(best.training == refit.settings.training && best.student.layers == 2)

            var again = try Self.request(output)
            again.refit = false
            let second = try TuningRun(again).run()
            #expect(second.search.runsFromJournal == 8 && second.search.trials == search.trials)
            #expect(second.refit == nil)
        }
    }

    @Test("a value that a trial could not have ends the search before it begins")
    func wrongValue() throws {
        try TuningFixture.withDirectory { output in
            let typed = try TuningRun(Self.request(output, temperatures: [4, "hot"]))
            let error = #expect(throws: SettingsError.self) { try typed.run() }
            #expect(
                error?.description.hasPrefix(
                    "the settings with temperature hot, learning_rate 1e-3: temperature must be a number")
                    == true, "\(error?.description ?? "")")
            let negative = try TuningRun(Self.request(output, temperatures: [4, -1]))
            #expect(throws: SettingsError.self) { try negative.run() }
            var unknown = try Self.request(output)
            unknown.settings["lerning_rate"] = 1
            let mistyped = #expect(throws: SettingsError.self) { try TuningRun(unknown).run() }
            #expect(mistyped?.description.contains("did you mean learning_rate?") == true)
            #expect(!FileManager.default.fileExists(atPath: output.path))
        }
    }

    @Test("what a trial must not change, and axes that are not searched, are refused")
    func refusals() throws {
        let place = URL(filePath: "o")
        let output = try SearchSpace([SearchDimension(name: "output", domain: .choice(["a", "b"]))])
        #expect(throws: DistillationError.self) {
            try TuningRun(TuningRequest(settings: Self.settings, space: output, output: place))
        }
        var axes = try Self.request(place)
        axes.axes = ["alpha"]
        #expect(throws: DistillationError.self) { try TuningRun(axes) }
    }
}
