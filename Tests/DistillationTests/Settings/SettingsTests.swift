import Foundation
import Testing

@testable import Distillation

@Suite("Settings as values")
struct SettingsTests {
    private func settings(_ yaml: String) throws -> Settings { try Settings(yaml: yaml, path: "a.yaml") }

    @Test("settings of a program are read like a file's")
    func literal() throws {
        var settings: Settings = [
            "teacher": ["a", ["directory": "b", "weight": 2]], "train": "a.csv", "init": "teacher-layers",
            "teacher_layers": [0, 2],
            "objectives": ["kl(weight=0.7)", ["name": "hidden_mse", "layers": "uniform"]],
            "learning_rate": 1e-4, "baseline": true,
        ]
        settings["temperature"] = 2
        settings["seed"] = SettingNode(UInt64(7))
        let request = try DistillRequest(settings, output: URL(filePath: "o"))
        #expect(request.teachers.map(\.weight) == [1, 2] && request.baseline && request.temperature == 2)
        #expect(request.student.initialization == .teacherLayers && request.student.teacherLayers == [0, 2])
        #expect(request.objectives.map(\.name) == ["kl", "hidden_mse"])
        #expect(request.training.learningRate == 1e-4 && request.training.seed == 7)
        let read = try Settings(yaml: settings.yaml(), path: "b.yaml")
        let again = try DistillRequest(read, output: URL(filePath: "o"))
        #expect(again.teachers == request.teachers && again.objectives == request.objectives)
        #expect(again.training == request.training && again.student == request.student)

        settings["train"] = nil
        #expect(throws: SettingsError.self) { try DistillRequest(settings, output: URL(filePath: "o")) }
        let fineTuning = try FineTuneRequest(["model": "m", "train": "a.csv", "output": "o"])
        #expect(fineTuning.model.relativePath == "m")
    }

    @Test("a setting under a wrong name is named, rather than what is missing without it")
    func unknownFirst() throws {
        func message(_ yaml: String, _ read: (Settings) throws -> Void) throws -> String? {
            let settings = try settings(yaml)
            let error = #expect(throws: SettingsError.self) { try read(settings) }
            return error?.description
        }
        func run(_ yaml: String) throws -> String? {
            try message(yaml) { _ = try DistillRequest($0, output: URL(filePath: "o")) }
        }
        func tune(_ yaml: String) throws -> String? {
            try message(yaml) { _ = try FineTuneRequest($0) }
        }
        #expect(
            try run("teacher: t\ntrain: a.csv\nlora_rnk: 4\nlora_targets: q_proj")
                == "a.yaml, line 3: there is no setting 'lora_rnk'; did you mean lora_rank?")
        #expect(try run("teachr: t\ntrain: a.csv")?.contains("'teachr'; did you mean teacher?") == true)
        #expect(try run("teacher: t\nhidden_dropout_prob: 0")?.contains("did you mean dropout?") == true)
        // Every name once.
        let listed = try #require(try run("teacher: t\nxyz: 1")?.split(separator: "the settings are ").last)
        let names = listed.split(separator: ", ")
        #expect(names.count > 50 && names.count == Set(names).count)
        #expect(try run("teacher: t\ntrai: a.csv")?.contains("'trai'; did you mean train?") == true)
        #expect(
            try tune("mdel: m\ntrain: a.csv\noutput: o")?.contains("'mdel'; did you mean model?") == true)
        #expect(try tune("model: m\ntrain: a.csv\nouput: o")?.contains("did you mean output?") == true)
        // What is known stays what it was.
        #expect(
            try run("teacher: t\ntrain: a.csv\nlora_targets: q_proj")?.contains("lora_rank is missing")
                == true)
        #expect(try run("train: a.csv\nsif: none")?.contains("there is no teacher") == true)
        #expect(
            try tune("train: a.csv\noutput: o\nignore_mismatched_sizes: true")?.contains("no model") == true)
        for name in ["sif", "classifier_hidden_size", "lora_rank", "teacher_weights", "resume", "threads"] {
            #expect(DistillRequest.settingNames.contains(name), "\(name)")
        }
    }

    @Test("a value that is set takes the place of the file's; what overrides does not hide a wrong one")
    func layers() throws {
        var settings = try settings("seed: many\nlayers: 3")
        settings["seed"] = 1
        #expect(try SettingsReader(settings).value("seed", as: Int.self) == 1)
        var overridden = try self.settings("seed: many\nlayers: 3")
        overridden.override("layers", 4)
        overridden.override("seed", 5)
        let reader = SettingsReader(overridden)
        #expect(try reader.value("layers", as: Int.self) == 4)
        let error = #expect(throws: SettingsError.self) { try reader.value("seed", as: Int.self) }
        #expect(error?.description == "a.yaml, line 1: seed must be a whole number, got many")
    }

    @Test("merged and replaced values stay where they were, others come last; errors name them")
    func places() throws {
        var settings = try settings("b: 1\na: [1, 2]\nc: 'x'")
        settings.override("a", 7)
        settings.override("d", "e: f")
        let changed = settings.merged().replacing([("c", SettingNode(parsing: "[1, [2]]"), "lists")])
        #expect(try changed.yaml() == "b: 1\na: 7\nc: [1, [2]]\nd: 'e: f'\n")
        let error = #expect(throws: SettingsError.self) {
            try SettingsReader(changed).value("c", as: Int.self)
        }
        #expect(
            error?.description
                == #"a.yaml with a 7, d "e: f", c lists: c must be a whole number, got - 1 - - 2"#,
            "\(error?.description ?? "")")
    }

    @Test("values go through nodes unchanged")
    func values() throws {
        func same<Value: SettingValue & Equatable>(_ value: Value) -> Bool {
            Value(setting: value.settingNode) == value
        }
        #expect(same("~") && same("") && same("1") && same(-3) && same(UInt64.max) && same(0.1) && same(true))
        #expect(same(Double.infinity) && same(["a, b", "c"]) && same([0, 2]))
        #expect(same(Schedule.linear(from: 8, to: 0.1)) && same(TeacherLayers.numbers([1, 0])))
        #expect(same(TeacherLayers.choice(.alternate)) && same(TeacherCombination.logits))
    }
}
