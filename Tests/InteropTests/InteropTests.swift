import Files
import Foundation
import JSON
import TensorBoard
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Opens what this package wrote with the real Python libraries, which `make test` installs into `.python`.
@Suite(
    "Interoperation with transformers",
    .enabled(if: Python.isThere, "run `make test`, which installs Python's libraries"))
struct InteropTests {
    @Test(
        "Python opens a distilled student: the same logits, token ids and labels, no missing or unexpected key",
        arguments: [StudentOptions.Initialization.teacherLayers, .random])
    func student(initialization: StudentOptions.Initialization) throws {
        let directory = try TemporaryDirectory()
        let output = directory.url.appending(path: "student")
        var request = DistillRequest(
            teacher: Fixtures.teacher, data: DataRequest(train: Fixtures.reviews), output: output)
        request.cache.directory = output.deletingLastPathComponent().appending(path: "cache")
        request.student.layers = 2
        request.student.hiddenSize = initialization == .random ? 16 : 32
        request.student.initialization = initialization
        request.training.numTrainEpochs = 1
        _ = try DistillationRun(request).run()
        try expectPythonAgrees(output, in: directory)
    }

    @Test("Python opens a fine-tuned model too")
    func fineTuned() throws {
        let directory = try TemporaryDirectory()
        let output = directory.url.appending(path: "teacher")
        var request = FineTuneRequest(
            model: Fixtures.teacher, data: DataRequest(train: Fixtures.reviews), output: output)
        request.cache.directory = output.deletingLastPathComponent().appending(path: "cache")
        request.training.maxSteps = 2
        _ = try FineTuningRun(request).run()
        try expectPythonAgrees(output, in: directory)
    }

    @Test("we open what Python wrote: its teacher's answers are ours")
    func pythonsTeacher() throws {
        try expectPythonAgrees(Fixtures.teacher, in: TemporaryDirectory())
    }

    @Test(
        "Python opens models of the other problem types, and knows what they are",
        arguments: TaskIdentifier.sequenceTasks)
    func problemTypes(_ type: TaskIdentifier) throws {
        let directory = try TemporaryDirectory()
        let output = directory.url.appending(path: "model")
        var configuration = try ModelConfiguration(contentsOf: Fixtures.teacher)
        configuration.labelNames = type == .regression ? ["LABEL_0"] : ["a", "b", "c"]
        configuration.task = type
        try ModelWriter.save(
            try AutoModel.make(configuration, source: nil, seed: 3, device: .cpu), to: output)
        for name in Tokenizer.fileNames {
            let file = Fixtures.teacher.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try FileManager.default.copyItem(at: file, to: output.appending(path: name))
        }
        try expectPythonAgrees(output, in: directory)
    }

    private func expectPythonAgrees(_ model: URL, in directory: TemporaryDirectory) throws {
        let texts = [
            "a brilliant film", "the dull, LIFELESS plot!", "it's café naïve 日本 🎬", "unknownword zzz", "the",
            String(repeating: "quite boring music , ", count: 40),
        ]
        let classifier = try LoadedModel(model)
        let maxLength = classifier.model.configuration.maxPositionEmbeddings
        let encoded = try EncodedDataset(
            texts.map { TextPair($0) }, tokenizer: classifier.tokenizer, maxLength: maxLength)
        let logits = try #require(
            try Inference.logits(classifier.model, encoded, batchSize: 3))
        let claim: JSONValue = [
            "texts": .array(texts.map(JSONValue.string)),
            "logits": .array(
                (0..<texts.count).map { .array(logits[$0].map { .number(Double($0)) }) }),
            "input_ids": .array(
                try (0..<texts.count).map { row in
                    .array(
                        try encoded.example(row).inputIDs.map { .integer(Int($0)) })
                }),
            "labels": .array(classifier.labels.names.map(JSONValue.string)),
            "max_length": .integer(maxLength),
            "problem_type": .string(classifier.model.configuration.task.rawValue),
        ]
        let file = directory.url.appending(path: "claim.json")
        try claim.serialized().write(to: file, atomically: true, encoding: .utf8)
        let result = try Python.run([Fixtures.script.path, model.path, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}

@Suite("TensorBoard reads what a run logged", .enabled(if: Python.isThere))
struct TensorBoardInteropTests {
    @Test("every tag, step and value")
    func curves() throws {
        let directory = try TemporaryDirectory()
        let writer = try EventFileWriter(directory: directory.url)
        try writer.add([("train/loss", 0.75), ("train/kl", 1e-7)], step: 1)
        try writer.add([("train/loss", -0.5)], step: 70_000)
        try writer.add([("eval/accuracy", 0.875)], step: 70_000)
        let result = try Python.run([
            Fixtures.folder.appending(path: "tensorboard_reader.py").path, directory.url.path,
        ])
        let expected = """
            eval/accuracy 70000 0.875
            train/kl 1 1e-07
            train/loss 1 0.75
            train/loss 70000 -0.5

            """
        #expect(result.status == 0 && result.output == expected, "\(result.output)")
    }

    @Test("a run's log has every curve, at every log step and evaluation")
    func run() throws {
        let directory = try TemporaryDirectory()
        let log = directory.url.appending(path: "log")
        var request = DistillRequest(
            teacher: Fixtures.teacher, data: DataRequest(train: Fixtures.reviews),
            output: directory.url.appending(path: "student"))
        request.cache.directory = directory.url.appending(path: "cache")
        request.student.layers = 2
        request.student.hiddenSize = 16
        request.training.numTrainEpochs = 2
        request.training.loggingSteps = 2
        request.loggingDirectory = log
        let report = try DistillationRun(request).run()
        let result = try Python.run([
            Fixtures.folder.appending(path: "tensorboard_reader.py").path, log.path,
        ])
        try #require(result.status == 0, "\(result.output)")
        var curves: [String: [Int: Double]] = [:]
        for line in result.output.split(separator: "\n") {
            let parts = line.split(separator: " ")
            try #require(parts.count == 3, "\(line)")
            let step = try #require(Int(parts[1]))
            curves[String(parts[0]), default: [:]][step] = Double(parts[2])
        }
        #expect(report.steps == 8)
        for name in [
            "loss", "loss/kl", "loss/cross_entropy", "kl", "accuracy", "agreement", "entropy",
            "teacher_entropy", "ece", "learning_rate", "grad_norm", "examples_per_second", "epoch",
        ] {
            let curve = try #require(curves["train/\(name)"], "\(curves.keys.sorted())")
            #expect(curve.keys.sorted() == [2, 4, 6, 8], "\(name)")
            #expect(curve.values.allSatisfy { $0.isFinite && $0 >= 0 }, "\(name)")
        }
        for name in ["accuracy", "loss", "kl", "agreement", "ece", "entropy", "teacher_entropy"] {
            let curve = try #require(curves["eval/\(name)"], "\(curves.keys.sorted())")
            let expected = report.epochs.map { epoch in
                epoch.validation.entries.first { $0.name.rawValue == name }?.value ?? .nan
            }
            #expect(curve.keys.sorted() == report.epochs.map(\.step), "\(name)")
            for (epoch, value) in zip(report.epochs, expected) {
                let logged = try #require(curve[epoch.step])
                #expect(abs(logged - value) < 1e-5 * max(1, abs(value)), "\(name)")
            }
        }
    }
}

enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    static let teacher = folder.appending(path: "Fixtures/tiny-teacher")
    static let reviews = folder.appending(path: "Fixtures/reviews.csv")
    static let script = folder.appending(path: "interop.py")
}

enum Python {
    /// The interpreter that `scripts/python.sh` makes, or another one's path from the environment.
    static let executable =
        ProcessInfo.processInfo.environment["DISTILL_INTEROP_PYTHON"].map { URL(filePath: $0) }
        ?? Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".python/bin/python")
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: executable.path) }

    /// True if it can import these.
    static func has(_ modules: String...) -> Bool {
        let program = modules.map { "import \($0)" }.joined(separator: "; ")
        return (try? run(["-c", program]).status) == 0
    }

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["HF_HUB_OFFLINE"] = "1"
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// A directory that goes with its owner.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}
