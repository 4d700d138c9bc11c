import Datasets
import Files
import Foundation
import JSON
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Scores of files teach a student")
struct ScoreRunTests {
    private let scratch: ScoreScratch

    init() throws { scratch = try ScoreScratch() }

    private func label(
        _ numbers: ScoreOutput = .logits, _ name: String = "scores.jsonl", _ precision: Precision = .auto
    ) throws -> URL {
        var request = LabelRequest(teacher: Support.teacher, data: Support.reviews)
        request.output = scratch.folder.appending(path: name)
        (request.numbers, request.precision) = (numbers, precision)
        request.cache = scratch.cache
        let report = try LabelRun(request).run()
        #expect(report.output == request.output?.path && report.examples == 120)
        return request.output!
    }

    private func weights(_ request: DistillRequest) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: request.output.appending(path: "model.safetensors")))
    }

    /// The same run with the model in place of its scores.
    private func run(of teacher: DistillRequest, _ name: String) throws -> DistillRequest {
        var request = teacher
        request.output = scratch.folder.appending(path: name)
        (request.teachers, request.scores) = ([TeacherRequest(Support.teacher)], [])
        return request
    }

    @Test(
        "logits that label wrote give the student of the teacher itself, bit for bit",
        arguments: [[], ["logits_mse(weight = 0.5)", "kl(temperature = 2)", "cross_entropy"]])
    func sameBits(_ objectives: [String]) throws {
        defer { scratch.remove() }
        for precision in [Precision.auto, .float32] {
            let scores = try label(.logits, "\(precision).jsonl", precision)
            var told = try scratch.request([scores], "told-\(precision)")
            told.objectives = try objectives.map { try ObjectiveSpecification(text: $0) }
            told.precision = precision
            let report = try DistillationRun(told).run()
            let own = try run(of: told, "own-\(precision)")
            let other = try DistillationRun(own).run()
            #expect(try weights(told) == weights(own))
            // Models are evaluated in float32, and so are teachers beside them.
            guard precision == .float32 else { continue }
            #expect(report.epochs.map(\.validation) == other.epochs.map(\.validation))
            #expect(report.teacher?.metrics == other.teacher?.metrics)
            #expect(report.comparison?.kl == other.comparison?.kl)
            #expect(report.teacher?.parameters == 0 && report.labels == ["negative", "positive"])
            let card = try String(contentsOf: told.output.appending(path: "README.md"), encoding: .utf8)
            #expect(card.contains("float32.jsonl"))
        }
    }

    @Test(
        "a name for the scores that no run reads, or whose directory is missing, is an error before anything is computed",
        arguments: [
            ("scores", "name the file .jsonl"), ("scores.csv", "name the file .jsonl"),
            ("scores.jsonl.gz", "name the file .jsonl"), ("missing/scores.jsonl", "there is no directory"),
        ])
    func names(_ name: String, _ message: String) throws {
        defer { scratch.remove() }
        let error = #expect(throws: DistillationError.self) { try label(.logits, name) }
        #expect(error.map { "\($0)".contains(message) } == true, "\(error.map { "\($0)" } ?? "")")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path).isEmpty)
    }

    @Test("probabilities that label or predict wrote give nearly the same student")
    func probabilities() throws {
        defer { scratch.remove() }
        let predictor = try Predictor(model: Support.teacher)
        let predictions = try scratch.write(
            predictor.predict(ScoreScratch.reviews().map { .init($0.text) }).map { $0.json.serialized() }
                .joined(separator: "\n"), "predictions.jsonl")
        let reference = try run(of: scratch.request([label()]), "own")
        let expected = try DistillationRun(reference).run()
        for (index, file) in [try label(.probabilities, "p.jsonl"), predictions].enumerated() {
            let request = try scratch.request([file], "told-\(index)")
            let report = try DistillationRun(request).run()
            for (own, other) in zip(report.epochs, expected.epochs) {
                #expect(abs((own.validation[.loss] ?? 0) - (other.validation[.loss] ?? 1)) < 1e-3)
                #expect(abs((own.validation[.kl] ?? 0) - (other.validation[.kl] ?? 1)) < 1e-3)
            }
        }
    }

    @Test("a run on scores that is stopped goes on to the same student, and refuses other scores")
    func resume() throws {
        defer { scratch.remove() }
        let scores = try label()
        var whole = try scratch.request([scores], "whole")
        _ = try DistillationRun(whole).run()
        var stopped = whole
        stopped.output = scratch.folder.appending(path: "stopped")
        let taken = Counter()
        #expect(throws: InterruptedError.self) {
            _ = try DistillationRun(stopped).run(
                onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                stopRequest: { taken.value >= 3 ? .checkpoint : nil })
        }
        stopped.checkpoints.resume = .latest
        let text = try String(contentsOf: scores, encoding: .utf8)
        try Data(text.replacing("\"logits\":{\"negative\":-", with: "\"logits\":{\"negative\":-1").utf8)
            .write(to: scores)
        let error = #expect(throws: ResumeError.self) { try DistillationRun(stopped).run() }
        #expect(
            error?.description.contains("file 1 of scores 1 has other contents") == true,
            "\(error?.description ?? "")")
        try Data(text.utf8).write(to: scores)
        _ = try DistillationRun(stopped).run()
        #expect(try weights(stopped) == weights(whole))
        // Scores of another column are other scores.
        whole.scores[0].column = "logits"
        (whole.checkpoints.resume, whole.overwrite) = (.latest, false)
        #expect(throws: (any Error).self) { try DistillationRun(whole).run() }
    }

    @Test("scores beside a model are one more teacher, by its weight")
    func mixture() throws {
        defer { scratch.remove() }
        let settings = try Settings(
            yaml: """
                teachers:
                  - directory: \(Support.teacher.path)
                  - scores: \(try label().path)
                    column: logits
                    weight: 3
                student: \(try scratch.encoder().path)
                train: \(Support.reviews.path)
                output: \(scratch.folder.appending(path: "mixed").path)
                num_train_epochs: 1
                """, path: "test")
        var request = try DistillRequest(settings)
        request.cache = scratch.cache
        #expect(request.teachers.count == 1 && request.scores.map(\.weight) == [3])
        #expect(request.scores.first?.column == "logits")
        let again = try DistillRequest(request.settings)
        #expect(again.teachers == request.teachers && again.scores == request.scores)
        let report = try DistillationRun(request).run()
        #expect(report.settings.teachers?.map(\.weight) == [1, 3])
        // The mean of a teacher and its own scores is the teacher.
        #expect(report.teacher?.metrics[.accuracy] == 1)
    }

    @Test("flags and settings name scores, and weights are in the order of the teachers")
    func settings() throws {
        defer { scratch.remove() }
        let scores = try scratch.write("", "s.jsonl")
        var settings: Settings = [
            "train": SettingNode(Support.reviews.path), "output": "out",
            "student": SettingNode(Support.teacher.path),
            "teacher_scores": SettingNode(scores.path),
        ]
        var request = try DistillRequest(settings)
        #expect(request.teachers.isEmpty && request.scores == [ScoresRequest([scores])])
        settings["teacher"] = SettingNode(Support.teacher.path)
        settings["teacher_weights"] = "2,1"
        request = try DistillRequest(settings)
        #expect(request.teachers.map(\.weight) == [2] && request.scores.map(\.weight) == [1])
        settings["teacher_scores"] = nil
        settings["scores_column"] = "p"
        request = try DistillRequest(settings)
        #expect(request.scores == [ScoresRequest([], column: "p", weight: 1)])
        settings["teacher"] = ["directory": "x", "scores": "y"]
        let error = #expect(throws: SettingsError.self) { try DistillRequest(settings) }
        #expect(error?.description.contains("make two teachers of them") == true)
        settings["teacher"] = ["scores": []]
        let empty = #expect(throws: SettingsError.self) { try DistillRequest(settings) }
        #expect(empty?.description.contains("in no file") == true)
    }

    @Test("evaluate compares with scores as with the teacher itself")
    func evaluate() throws {
        defer { scratch.remove() }
        let scores = try label(.logits, "scores.jsonl", .float32)
        var request = EvaluateRequest(model: try scratch.encoder(), data: Support.reviews)
        // Its labels are numbers now.
        try Self.rename(request.model)
        (request.cache, request.latencySamples) = (scratch.cache, 0)
        request.teacher = Support.teacher
        let expected = try EvaluationRun(request).run()
        request.teacher = nil
        request.teacherScores = [scores]
        let found = try EvaluationRun(request).run()
        #expect(
            found.comparison?.kl == expected.comparison?.kl
                && found.teacher?.metrics == expected.teacher?.metrics)
        #expect(found.model.metrics == expected.model.metrics)
        request.teacher = Support.teacher
        #expect(throws: DistillationError.self) { _ = try EvaluationRun(request).run() }
    }

    private static func rename(_ model: URL) throws {
        let file = model.appending(path: "config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing("LABEL_0", with: "negative").replacing("LABEL_1", with: "positive")
            .write(to: file, atomically: true, encoding: .utf8)
    }

    @Test("trials of a search learn from scores, and share them")
    func tuning() throws {
        defer { scratch.remove() }
        let request = try scratch.request([label()])
        let trials = TuningTrials(folds: 2, seed: 1, metric: "accuracy")
        let result = try trials.run(request, fold: 0, budget: 1)
        #expect(result.metrics["kl"] != nil)
        #expect(request.inputDigests.contains("scores.jsonl"))
    }
}
