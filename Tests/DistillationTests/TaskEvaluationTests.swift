import Datasets
import Files
import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Data of each type to a report, through small models with random weights: all but the training.
@Suite("Models of every problem type are judged and asked")
struct TaskEvaluationTests {
    let scratch: URL
    let tiny = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures/tiny-teacher").standardizedFileURL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-judge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private let names = [
        TaskIdentifier.singleLabel: ["bad", "good", "long"], .multiLabel: ["bad", "good", "long"],
        .regression: ["LABEL_0"],
    ]

    /// A model directory with random weights, wide apart.
    private func model(
        _ type: TaskIdentifier, seed: UInt64, labels: [String]? = nil, layers: Int = 2
    ) throws -> URL {
        var configuration = try ModelConfiguration(contentsOf: tiny)
        configuration.labelNames = try labels ?? #require(names[type])
        configuration.task = type
        configuration.initializerRange = 0.5
        configuration.numHiddenLayers = layers
        let directory = scratch.appending(path: "model-\(type.rawValue)-\(seed)")
        try ModelWriter.save(
            try AutoModel.make(configuration, source: nil, seed: seed, device: .cpu), to: directory)
        for name in Tokenizer.fileNames {
            let file = tiny.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try FileManager.default.copyItem(at: file, to: directory.appending(path: name))
        }
        return directory
    }

    private let texts = (0..<40).map { "the film \($0) was \($0 % 3 == 0 ? "a brilliant story" : "dull")" }

    private func data(_ type: TaskIdentifier) throws -> URL {
        let lines = texts.enumerated().map { index, text in
            let label =
                switch type {
                case .singleLabel, .tokenClassification, .causalLanguageModel:
                    ["bad", "good", "long"][index % 3]
                case .multiLabel: ["bad", "\"good, long\"", ""][index % 3]
                case .regression, .embedding, .ranking: "\(Double(index % 5) - 0.25)"
                }
            return "\(text),\(label)\n"
        }
        let url = scratch.appending(path: "\(type.rawValue).csv")
        try Data(("text,label\n" + lines.joined()).utf8).write(to: url)
        return url
    }

    private func logits(_ directory: URL) throws -> [[Double]] {
        let classifier = try LoadedModel(directory)
        let encoded = try EncodedDataset(
            texts.map { TextPair($0) }, tokenizer: classifier.tokenizer, maxLength: 64)
        let logits = try #require(
            try Inference.logits(classifier.model, encoded, batchSize: 7))
        return (0..<logits.count).map { logits[$0].map(Double.init) }
    }

    private func evaluate(_ type: TaskIdentifier, teacher: Bool) throws -> EvaluationReport {
        var request = EvaluateRequest(model: try model(type, seed: 1, layers: 1), data: try data(type))
        if teacher { request.teacher = try model(type, seed: 2) }
        request.maxLength = 64
        request.latencySamples = 4
        request.cache = Support.cache
        return try EvaluationRun(request).run()
    }

    @Test(
        "a report has what its problem type has, and reads back from JSON",
        arguments: TaskIdentifier.sequenceTasks)
    func report(_ type: TaskIdentifier) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let report = try evaluate(type, teacher: true)
        let model = report.model
        #expect(report.problemType == type && model.problemType == type && model.examples == 40)
        #expect(report.labels == names[type])
        #expect(model.metrics.names == MetricName.available(for: type, hasTeacher: true))
        #expect(
            try #require(report.teacher).metrics.names == MetricName.available(for: type, hasTeacher: false))
        #expect(model.accuracy == model.metrics[.accuracy] && model.macroF1 == model.metrics[.macroF1])
        #expect(model.hardLoss == model.metrics[.loss] && model.hardLoss != nil)
        #expect(
            (model.f1 == nil) == (type == .regression) && (model.accuracy == nil) == (type == .regression))
        #expect((model.confusionMatrix == nil) == (type != .singleLabel))
        let comparison = try #require(report.comparison)
        #expect(comparison.agreement == model.metrics[.agreement] && comparison.kl == model.metrics[.kl])
        #expect(comparison.teacherMse == model.metrics[.teacherMSE] && comparison.parameterRatio > 1)
        let text = try JSONText.encode(report)
        // Where other programs look for them since the first version.
        let written = try #require(JSONValue.parse(text).objectValue?["model"]?.objectValue)
        for (key, name) in [
            ("accuracy", MetricName.accuracy), ("macro_f1", .macroF1), ("hard_loss", .loss),
            ("matthews_correlation", .matthewsCorrelation),
        ] {
            #expect(written[key]?.doubleValue == model.metrics[name], "\(key)")
        }
        let again = try JSONText.decode(EvaluationReport.self, from: text)
        #expect(try JSONText.encode(again) == text)
        #expect(again.model.metrics.names == model.metrics.names)
    }

    @Test("the numbers are those of the model's own answers")
    func numbers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let regression = try evaluate(.regression, teacher: false).model
        let values = try logits(scratch.appending(path: "model-regression-1")).map { $0[0] }
        let labels = (0..<40).map { Double($0 % 5) - 0.25 }
        let error = zip(values, labels).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 40
        #expect(abs(try #require(regression.metrics[.mse]) - error) < 1e-6 * error)

        let multi = try evaluate(.multiLabel, teacher: false).model
        let rows = try logits(scratch.appending(path: "model-multi_label_classification-1"))
        let wanted = (0..<40).map {
            [[true, false, false], [false, true, true], [false, false, false]][$0 % 3]
        }
        let exact = zip(rows, wanted).count { $0.map { $0 > 0 } == $1 }
        #expect(multi.accuracy == Double(exact) / 40)
        let decisions = zip(rows, wanted).flatMap { zip($0.map { $0 > 0 }, $1) }
        let (hits, both) = (
            decisions.count { $0.0 && $0.1 }, decisions.reduce(0) { $0 + ($1.0 ? 1 : 0) + ($1.1 ? 1 : 0) }
        )
        #expect(multi.metrics[.microF1] == 2 * Double(hits) / Double(both) && hits > 0)
    }

    @Test("a model answers with a label, with labels above the threshold, or with a number")
    func predictions() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let inputs = texts.map { TextPair($0) }
        let single = try Predictor(model: model(.singleLabel, seed: 3)).predict(inputs)
        for answer in single {
            let scores = try #require(answer.scores)
            #expect(answer.labels == nil && scores.first { $0.label == answer.label }?.value == answer.score)
            #expect(abs(scores.reduce(0) { $0 + $1.value } - 1) < 1e-6)
        }
        let directory = try model(.multiLabel, seed: 3)
        let rows = try logits(directory)
        for threshold in [0.5, 0.2, 0.9] {
            let predictor = try Predictor(model: directory, threshold: threshold)
            #expect(predictor.problemType == .multiLabel)
            for (answer, row) in zip(try predictor.predict(inputs), rows) {
                let scores = row.map { 1 / (1 + exp(-$0)) }
                let expected = zip(predictor.labels, scores).filter { $0.1 > threshold }.map(\.0)
                #expect(answer.labels == expected && answer.label == nil && answer.score == nil)
                #expect(zip(try #require(answer.scores), scores).allSatisfy { abs($0.value - $1) < 1e-6 })
            }
        }
        let number = try model(.regression, seed: 3)
        let expected = try logits(number).map { $0[0] }
        for (answer, value) in zip(try Predictor(model: number).predict(inputs), expected) {
            #expect(abs(try #require(answer.score) - value) < 1e-5)
            #expect(answer.label == nil && answer.labels == nil && answer.scores == nil)
        }
        #expect(throws: DistillationError.self) { try Predictor(model: number, threshold: 1) }
    }

    @Test("models of two types are not compared; a regression's label name does not matter")
    func comparisons() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = EvaluateRequest(model: try model(.multiLabel, seed: 1), data: try data(.multiLabel))
        request.cache = Support.cache
        request.latencySamples = 0
        request.teacher = try model(.singleLabel, seed: 2)
        let error = #expect(throws: DistillationError.self) { try EvaluationRun(request).run() }
        #expect(error?.description.contains("cannot be compared") == true)
        request = EvaluateRequest(model: try model(.regression, seed: 1), data: try data(.regression))
        request.cache = Support.cache
        request.latencySamples = 0
        request.teacher = try model(.regression, seed: 5, labels: ["stars"])
        #expect(try EvaluationRun(request).run().comparison != nil)
    }

    @Test(
        "the model card shows the test data's table, and the texts without labels; the baseline is as large as the student"
    )
    func cardOfTest() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let evaluation = try evaluate(.singleLabel, teacher: true)
        var report = try report(of: evaluation)
        #expect(!ModelCard(report: report).text.contains("on the test data"))
        var test = evaluation.model
        test.metrics[.accuracy] = 0.4321
        (report.test, report.baseline) = (
            TestResults(data: evaluation.data, student: test, baseline: test), evaluation.model
        )
        report.unlabelled = [evaluation.data, evaluation.data]
        report.setStudentBytes(7)
        let text = ModelCard(report: report).text
        let tables = text.split(separator: "## Results on the ")
        #expect(
            tables.count == 3 && tables[1].hasPrefix("test data") && tables[2].hasPrefix("validation data"))
        #expect(tables[1].contains("| accuracy | 0.4321 |") && tables[1].contains("| bytes of weights | 7 |"))
        #expect(text.contains("validation, and \(2 * evaluation.data.examples) without labels"))
        #expect(report.baseline?.bytesOnDisk == 7 && report.test?.baseline?.bytesOnDisk == 7)
    }

    private func report(of evaluation: EvaluationReport) throws -> RunReport {
        RunReport(
            command: "run", output: "/models/student", labels: evaluation.labels,
            settings: .init(
                teacher: "/models/teacher",
                studentConfiguration: .init(try ModelConfiguration(contentsOf: tiny)),
                maxLength: 64, training: TrainingArguments(), device: "cpu", precision: .float32),
            train: evaluation.data, validation: evaluation.data, teacher: evaluation.teacher,
            student: evaluation.model, comparison: evaluation.comparison, epochs: [], bestEpoch: 1,
            interrupted: false, steps: 1, phases: [], versions: .current)
    }

    @Test("the model card lists what its problem type has", arguments: TaskIdentifier.sequenceTasks)
    func card(_ type: TaskIdentifier) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let evaluation = try evaluate(type, teacher: true)
        let report = try report(of: evaluation)
        let text = ModelCard(report: report).text
        #expect(text.contains("pipeline_tag: text-classification"))
        let (listed, absent) =
            switch type {
            case .singleLabel, .tokenClassification, .causalLanguageModel:
                (["- accuracy", "| accuracy |", "| Matthews"], ["Pearson", "subset"])
            case .multiLabel:
                (["- f1", "| micro F1 |", "| subset accuracy |", "multi-label classification"], ["Matthews"])
            case .regression, .embedding, .ranking:
                (["- pearsonr", "| Pearson correlation |", "the predicted number"], ["accuracy", "F1"])
            }
        for part in listed { #expect(text.contains(part), "\(part)") }
        for part in absent { #expect(!text.contains(part), "\(part)") }
    }
}
