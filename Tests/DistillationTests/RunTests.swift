import Files
import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Whole runs on a tiny teacher, from files to files.
@Suite("Runs")
struct RunTests {
    let scratch: URL
    let teacher = Support.teacher
    let reviews = Support.reviews

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-runs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ name: String = "student") -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: reviews), output: scratch.appending(path: name))
        request.student.layers = 2
        request.student.hiddenSize = 32
        request.student.initialization = .teacherLayers
        request.training.numTrainEpochs = 2
        request.training.learningRate = 1e-3
        request.cache = Support.cache
        return request
    }

    private func files(_ directory: URL) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: directory.path))
    }

    @Test("a run saves a complete model directory with its report and model card")
    func output() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let report = try DistillationRun(request()).run()
        let expected: Set = [
            "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
            "README.md",
            "distillation.json", "history.jsonl", "analysis.json", "report.html",
        ]
        #expect(try files(scratch.appending(path: "student")) == expected)
        #expect(try files(scratch) == ["student"])

        let saved = try String(
            contentsOf: scratch.appending(path: "student/distillation.json"), encoding: .utf8)
        #expect(try JSONText.decode(RunReport.self, from: saved) == report)
        #expect(report.student.bytesOnDisk > 0 && report.epochs.count == 2 && !report.interrupted)
        #expect(report.train.sha256.count == 64)
        #expect(try #require(report.comparison).parameterRatio > 1)
        #expect(report.settings.temperature == 4 && report.settings.alpha == 0.7)
        #expect(report.settings.training.seed == 42)
        let card = try String(contentsOf: scratch.appending(path: "student/README.md"), encoding: .utf8)
        #expect(card.hasPrefix("---\n") && card.contains("pipeline_tag: text-classification"))
    }

    @Test("the saved student answers as the one in memory did: its recorded accuracy is found again")
    func reload() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.data.validation = reviews
        let report = try DistillationRun(request).run()
        var evaluate = EvaluateRequest(model: request.output, data: reviews)
        evaluate.teacher = teacher
        evaluate.cache = Support.cache
        let found = try EvaluationRun(evaluate).run()
        #expect(found.model.accuracy == report.student.accuracy)
        #expect(found.model.confusionMatrix == report.student.confusionMatrix)
        #expect(try abs(#require(found.model.hardLoss) - #require(report.student.hardLoss)) < 1e-5)
        #expect(try abs(#require(found.comparison?.kl) - #require(report.comparison?.kl)) < 1e-5)
        #expect(found.teacher?.latencyP50Milliseconds != nil)

        let predictor = try Predictor(model: request.output)
        let answer = try #require(try predictor.predict([TextPair("a brilliant lovely film")]).first)
        #expect(try predictor.labels.contains(#require(answer.label)))
        #expect(try abs(#require(answer.scores).reduce(0) { $0 + $1.value } - 1) < 1e-5)
        #expect(try predictor.predict([]).isEmpty)
    }

    @Test("curves and metrics are logged for each log step and evaluation, and change nothing")
    func logging() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var logged = request("logged")
        logged.loggingDirectory = scratch.appending(path: "logs")
        logged.training.loggingSteps = 2
        var steps: [StepMetrics] = []
        let report = try DistillationRun(logged).run(onEvent: {
            if case .step(let step) = $0 { steps.append(step) }
        })
        let lines = try String(
            contentsOf: scratch.appending(path: "logs/metrics.jsonl"), encoding: .utf8
        ).split(separator: "\n")
        let kinds = try lines.map {
            try #require(JSONValue.parse(String($0)).objectValue)["kind"]?.stringValue
        }
        #expect(kinds.count { $0 == "step" } == steps.count && steps.count > 1)
        #expect(kinds.count { $0 == "evaluation" } == report.epochs.count)
        let first = try JSONText.decode(StepMetrics.self, from: String(#require(lines.first)))
        #expect(first == steps.first)
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.appending(path: "logs").path)
        #expect(files.count { $0.hasPrefix("events.out.tfevents.") } == 1)
        var silent = request("silent")
        silent.training.loggingSteps = 2
        _ = try DistillationRun(silent).run()
        #expect(
            try Data(contentsOf: scratch.appending(path: "logged/model.safetensors"))
                == Data(contentsOf: scratch.appending(path: "silent/model.safetensors")))
    }

    @Test("a place where nothing can be logged is refused before any work")
    func noLog() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try Data().write(to: scratch.appending(path: "file"))
        var request = request("student")
        request.loggingDirectory = scratch.appending(path: "file/logs")
        #expect(throws: FileError.self) { try DistillationRun(request).run() }
        #expect(!FileManager.default.fileExists(atPath: request.output.path))
    }

    @Test("the same seed writes the same bytes")
    func reproducible() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        for name in ["one", "two"] { _ = try DistillationRun(request(name)).run() }
        let (one, two) = (
            try Data(contentsOf: scratch.appending(path: "one/model.safetensors")),
            try Data(contentsOf: scratch.appending(path: "two/model.safetensors"))
        )
        #expect(one == two)
    }

    @Test("without a description, the student is the recipe's: the teacher's configuration, 6 layers of 384")
    func recipesStudent() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let builder = StudentBuilder(
            options: StudentOptions(), teacher: try LoadedModel(teacher), seed: 42, device: .cpu)
        let configuration = try builder.configuration()
        #expect(configuration.numHiddenLayers == 6 && configuration.hiddenSize == 384)
        #expect(configuration.intermediateSize == 64 && configuration.numAttentionHeads == 4)
        #expect(configuration.labelNames == ["negative", "positive"])
    }

    @Test("a student from the teacher's layers starts with exactly their weights")
    func teacherLayers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let source = try LoadedModel(teacher)
        var options = StudentOptions()
        options.layers = 2
        options.hiddenSize = 32
        options.initialization = .teacherLayers
        let student = try StudentBuilder(options: options, teacher: source, seed: 1, device: .cpu)
            .build().model
        for (own, other) in [("0", "1"), ("1", "3")] {
            let name = "attention.self.query.weight"
            let mine = try #require(student.parameters["bert.encoder.layer.\(own).\(name)"])
            let theirs = try #require(source.model.parameters["bert.encoder.layer.\(other).\(name)"])
            #expect(try mine.bytes() == theirs.bytes())
            #expect(mine.requiresGrad && !theirs.requiresGrad)
        }
    }

    @Test("a teacher whose checkpoint lacks a head is refused, with the way out")
    func headlessTeacher() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let headless = Support.fixtures.appending(
            path: "../../TransformersTests/Fixtures/bert-base-prefixless")
        var request = request()
        request.teacher = headless.standardizedFileURL
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(error?.description.contains("classifier head") == true)
        #expect(error?.description.contains("distill finetune") == true)
        #expect(try files(scratch).isEmpty)
    }

    @Test("a teacher no better than the majority class is a warning in the run")
    func poorTeacher() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        // The same texts with their labels swapped: the teacher is now always wrong.
        let swapped = try String(contentsOf: reviews, encoding: .utf8)
            .replacingOccurrences(of: ",positive", with: ",x").replacingOccurrences(
                of: ",negative", with: ",positive"
            )
            .replacingOccurrences(of: ",x", with: ",negative")
        let file = scratch.appending(path: "swapped.csv")
        try swapped.write(to: file, atomically: true, encoding: .utf8)
        var request = request()
        request.data.train = file
        request.training.maxSteps = 1
        var warnings: [String] = []
        _ = try DistillationRun(request).run(onEvent: {
            if case .warning(let text) = $0 { warnings.append(text) }
        })
        #expect(warnings.contains { $0.contains("no better than always predicting the majority class") })
    }

    @Test("an interrupted run saves what was learnt so far, complete")
    func interrupted() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        (request.training.numTrainEpochs, request.test) = (50, reviews)
        let steps = Counter()
        let report = try DistillationRun(request).run(
            onEvent: { if case .progress(let progress) = $0, progress.unit == "step" { steps.value += 1 } },
            stopRequest: { steps.value >= 3 ? .finish : nil })
        // Without a look at the test data, which would take its time.
        #expect(report.interrupted && report.steps == 3 && report.test == nil)
        #expect(try Predictor(model: request.output).predict([TextPair("a film")]).count == 1)
        // With the checkpoint from which it can go on.
        #expect(try files(scratch) == ["student", "student.checkpoints"])
        #expect(try files(scratch.appending(path: "student.checkpoints")) == ["checkpoint-3"])
    }

    @Test(
        "seeds of a stopped run are all compared on the validation data, with test data of another size",
        arguments: ["Training, seed 8", "Evaluation"])
    func interruptedSeeds(phase: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        (request.training.seed, request.seeds, request.baseline) = (7, 2, true)
        (request.training.numTrainEpochs, request.test) = (1, reviews)
        let begun = Counter()
        let report = try DistillationRun(request).run(
            onEvent: { if case .phaseStarted(phase) = $0 { begun.value += 1 } },
            stopRequest: { begun.value > 0 ? .finish : nil })
        #expect(
            report.validation.examples
                != (try String(contentsOf: reviews, encoding: .utf8).split(separator: "\n").count - 1))
        #expect(report.interrupted == (phase != "Evaluation") && report.test == nil)
        let runs = try #require(report.seeds).runs
        #expect(runs.map(\.seed) == [7, 8] && (runs[1].baseline == nil) == (phase != "Evaluation"))
        let saved = try #require(runs.first { $0.seed == report.settings.training.seed })
        #expect(saved.student[.loss] == report.student.metrics[.loss])
    }

    @Test("a run stopped before training says so and leaves nothing")
    func interruptedEarly() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        #expect(throws: InterruptedError.self) {
            try DistillationRun(request()).run(stopRequest: { .finish })
        }
        #expect(try files(scratch).isEmpty)
    }

    @Test(
        "a loss that is not finite ends the run before anything good was learnt: nothing is saved, and it says so"
    )
    func nonFiniteAtOnce() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request()
        request.training.learningRate = 1e30
        request.training.warmupSteps = 2
        let error = #expect(throws: NonFiniteLossError.self) { try DistillationRun(request).run() }
        let message = try #require(error?.description)
        #expect(message.contains("step 3 of") && message.contains("nothing is saved"), "\(message)")
        #expect(try files(scratch).isEmpty)
    }

    @Test("an output directory that is not empty is refused before any work, and untouched")
    func outputExists() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let output = scratch.appending(path: "student")
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        try "mine".write(to: output.appending(path: "notes.txt"), atomically: true, encoding: .utf8)
        var phases = 0
        #expect(throws: (any Error).self) {
            try DistillationRun(request()).run(onEvent: { if case .phaseStarted = $0 { phases += 1 } })
        }
        #expect(phases == 0)
        #expect(try files(output) == ["notes.txt"])
    }

    @Test("students that cannot be are refused by name, before the teacher runs")
    func badStudents() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let changes: [(String, (inout StudentOptions) -> Void)] = [
            (
                "not divisible",
                {
                    $0 = StudentOptions()
                    $0.hiddenSize = 30
                }
            ),
            ("--init random", { $0.hiddenSize = 64 }),
            ("cannot start from the teacher's 4", { $0.layers = 5 }),
            ("--teacher-layers names 1 layers", { $0.teacherLayers = [0] }),
            ("layers 0 to 3", { $0.teacherLayers = [0, 4] }),
        ]
        for (message, change) in changes {
            var request = request()
            change(&request.student)
            do {
                _ = try DistillationRun(request).run()
                Issue.record("a student with '\(message)' was built")
            } catch {
                #expect("\(error)".contains(message), "\(error)")
            }
        }
        #expect(try files(scratch).isEmpty)
    }

    // Measured over five seeds in both precisions with the kernels of four levels: the agreement at least 0.916 (of 12 texts).
    @Test("a student with another vocabulary reads its own tokens: logits teach it, layers are refused")
    func otherVocabulary() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let other = scratch.appending(path: "other")
        try FileManager.default.copyItem(at: teacher, to: other)
        try FileManager.default.removeItem(at: other.appending(path: "tokenizer.json"))
        let vocabulary = other.appending(path: "vocab.txt")
        let words = try String(contentsOf: vocabulary, encoding: .utf8)
        try words.replacingOccurrences(of: "\nfilm\n", with: "\nfilms\n")
            .write(to: vocabulary, atomically: true, encoding: .utf8)
        var request = request()
        request.student = StudentOptions()
        request.student.directory = other
        request.training.seed = Learning.seed
        request.precision = Learning.precision
        let report = try DistillationRun(request).run()
        try Learning.expect("other vocabulary, agreement", report.comparison?.agreement, above: 0.75)
        let saved = try String(contentsOf: request.output.appending(path: "vocab.txt"), encoding: .utf8)
        #expect(saved.contains("\nfilms\n"))
        request.objectives = [ObjectiveSpecification("hidden_mse")]
        request.output = scratch.appending(path: "layers")
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        let message = try #require(error?.description)
        #expect(message.contains("hidden_mse") && message.contains("its own tokenizer"), "\(message)")
    }

    @Test("a student checkpoint with its labels in another order is refused")
    func otherLabels() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let other = scratch.appending(path: "other")
        try FileManager.default.copyItem(at: teacher, to: other)
        let file = other.appending(path: "config.json")
        let config = try String(contentsOf: file, encoding: .utf8)
            .replacingOccurrences(of: "\"0\": \"negative\"", with: "\"0\": \"positive\"")
            .replacingOccurrences(of: "\"1\": \"positive\"", with: "\"1\": \"negative\"")
            .replacingOccurrences(of: "\"negative\": 0", with: "\"negative\": 1")
            .replacingOccurrences(of: "\"positive\": 1", with: "\"positive\": 0")
        try config.write(to: file, atomically: true, encoding: .utf8)
        var request = request()
        request.student = StudentOptions()
        request.student.directory = other
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(error?.description.contains("labels") == true, "\(String(describing: error))")
    }
}
