import Deployment
import Exporters
import Files
import Foundation
import GGUF
import JSON
import Testing
import Tokenizers
import Torch

@testable import Distillation
@testable import Transformers

/// Language models' students that are trained with the rounding of a GGUF file.
@Suite("Training with the rounding of GGUF files")
struct RoundedStudentTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }

    private func request(_ type: GGUFOutputType, _ output: String = "student") throws -> DistillRequest {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data)
        let teacher = try TinyLanguageModel(in: scratch).directory
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: data), output: scratch.appending(path: output))
        request.student.directory = teacher
        request.quantizeAwareType = type
        request.training.numTrainEpochs = 2
        request.training.learningRate = 2e-3
        request.training.perDeviceTrainBatchSize = 8
        request.training.loggingSteps = 1
        request.precision = .float32
        request.cache.directory = scratch.appending(path: "cache")
        request.reportExamples = 0
        return request
    }

    private func export(
        _ directory: URL, as type: GGUFOutputType, _ change: (inout GGUFExportRequest) -> Void = { _ in }
    ) throws -> (file: URL, report: GGUFExportReport) {
        let file = scratch.appending(path: "\(UUID().uuidString).gguf")
        var request = GGUFExportRequest(model: directory, output: file)
        request.type = type
        change(&request)
        return (file, try GGUFExportRun(request).run())
    }

    @Test(
        "training brings the rounded model nearer to its teacher, and the file computes what was evaluated",
        arguments: [GGUFOutputType.q40, .q4KM])
    func run(_ type: GGUFOutputType) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request(type)
        request.training.numTrainEpochs = 5
        request.objectives = [try ObjectiveSpecification(text: "kl")]
        // As it is for whoever evaluates the file.
        request.teacherStates = .float32
        let held = scratch.appending(path: "held.jsonl")
        try TinyLanguageModel.conversations(to: held, count: 8)
        request.data.validation = held
        var notes: [String] = []
        let report = try DistillationRun(request).run(onEvent: {
            if case .note(let text) = $0 { notes.append(text) }
        })
        #expect(report.settings.quantizeAwareType == type)
        #expect(notes.contains { $0.contains("with the rounding of \(type.rawValue)") }, "\(notes)")
        let starts = notes.filter { $0.contains("before training") }
        let start = try #require(starts.first)
        let before = try #require(Double(start.split(separator: " ").last?.dropLast() ?? ""))
        let gains = report.epochs.filter(\.isBest)
        let best = try #require(gains.last)
        let divergence = try #require(best.validation[.kl])
        try Learning.expect("\(type.rawValue), divergence over before", divergence / before, below: 1)

        let (file, exported) = try export(request.output, as: type)
        #expect(exported.notes.contains { $0.contains("numbers that were trained and evaluated") })
        var evaluation = EvaluateRequest(model: file, data: held)
        evaluation.teacher = request.teacher
        evaluation.latencySamples = 0
        evaluation.cache = request.cache
        let evaluated = try EvaluationRun(evaluation).run()
        let divergenceInFile = try #require(evaluated.comparison?.kl)
        #expect(
            abs(divergenceInFile - divergence) < 1e-5 * divergence + 1e-7,
            "\(divergenceInFile) in the file, \(divergence) in training")
        // Of the directory it is told that the weights are not rounded.
        var told: [String] = []
        evaluation.model = request.output
        _ = try EvaluationRun(evaluation).run(onEvent: {
            if case .note(let text) = $0 { told.append(text) }
        })
        #expect(told.contains { $0.contains("--outtype \(type.rawValue)") }, "\(told)")
        // The directory holds the numbers before they are rounded.
        let (saved, _) = try AutoModel.load(from: request.output)
        #expect(try Support.bytes(saved) != Support.bytes(AutoModel.load(from: file).model))
    }

    /// Models whose rows super-blocks fill, and one of each family, by the fields of their `config.json`.
    private static let models = [
        "wide":
            #""model_type": "llama", "tie_word_embeddings": false, "hidden_size": 256, "intermediate_size": 512, \#(sizes)"#,
        "llama":
            #""model_type": "llama", "tie_word_embeddings": true, "hidden_size": 32, "intermediate_size": 96, \#(sizes)"#,
        "qwen2":
            #""model_type": "qwen2", "tie_word_embeddings": true, "hidden_size": 32, "intermediate_size": 64, \#(sizes)"#,
        "qwen3":
            #""model_type": "qwen3", "head_dim": 16, "hidden_size": 32, "intermediate_size": 64, \#(sizes)"#,
        "gpt2":
            #""model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64, "activation_function": "gelu_new""#,
    ]
    private static let sizes =
        #""num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5"#

    @Test("a file's weights are the trained ones to the last bit", arguments: models.keys.sorted())
    func exact(_ name: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let size = try Tokenizer.load(directory: TinyLanguageModel.tokenizer).vocabularySize
        let fields = try #require(Self.models[name])
        let json = try #require(
            JSONValue.parse(#"{"vocab_size": \#(size), "initializer_range": 0.3, \#(fields)}"#).objectValue)
        let configuration = try ModelConfiguration(json: json, source: name)
        for type in name == "wide" ? [GGUFOutputType.q4KM, .q5KS, .q6K] : [.q40, .q5KM] {
            let model = try AutoModel.make(configuration, source: nil, seed: 3)
            let types = try GGUFParameterTypes(configuration: configuration, output: type)
            let before = try Support.bytes(model)
            try model.roundWeights(StudentBuilder.rounding(model, types))
            let trained = try Support.bytes(model)
            let changed = trained.filter { before[$0.key] != $0.value }.keys
            #expect(changed.count >= 8 && !changed.contains { $0.contains("norm") || $0.hasSuffix("bias") })

            let directory = scratch.appending(path: "\(name)-\(type.rawValue)", directoryHint: .isDirectory)
            try ModelWriter.save(model, to: directory)
            try OutputDirectory.copyTokenizer(from: TinyLanguageModel.tokenizer, to: directory)
            let (file, _) = try export(directory, as: type)
            let found = try Support.bytes(AutoModel.load(from: file).model)
            #expect(found.keys.sorted() == trained.keys.sorted())
            for (name, bytes) in trained { #expect(found[name] == bytes, "\(type.rawValue), \(name)") }
            guard type == .q40 else { continue }
            // Other types are rounded as of any model, and it is told.
            #expect(try export(directory, as: .q80).report.notes.contains { $0.contains("--outtype q4_0") })
            let error = #expect(throws: DistillationError.self) {
                try export(directory, as: type) { $0.calibration = directory }
            }
            #expect(error?.description.contains("leave --calibrate and --imatrix out") == true)
            try expectUnknownTypesAreRefused(directory)
            // What is trained of it further is another model.
            let (again, _) = try AutoModel.load(from: directory)
            try ModelWriter.save(again, to: directory)
            #expect(try GGUFExportModel(directory: directory).trainedType == nil)
        }
    }

    /// Checks that an unknown type in `config.json` is an error of an export, and leaves the file as it was.
    private func expectUnknownTypesAreRefused(_ directory: URL) throws {
        let file = directory.appending(path: "config.json")
        let original = try Data(contentsOf: file)
        defer { try? original.write(to: file) }
        for (value, written) in [("q9_9", "\"q9_9\""), (5, "5"), ("", "\"\"")] as [(JSONValue, String)] {
            var fields = try #require(try JSONValue.load(contentsOf: file).objectValue)
            fields["quantize_aware_type"] = value
            try Data(JSONValue.object(fields).serialized().utf8).write(to: file)
            let error = #expect(throws: ExportError.self) { try GGUFExportModel(directory: directory) }
            let message = error.map { "\($0)" } ?? ""
            #expect(
                message.contains(
                    "config.json: quantize_aware_type is \(written), which is no type of a GGUF file"),
                "\(message)")
            #expect(message.contains("one of f32, f16, bf16, q8_0"), "\(message)")
        }
    }

    @Test("a stopped run goes on to the same bits, with averages and several micro-batches a step")
    func resumed() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        func run(_ output: String, stopAfter steps: Int?) throws -> [String: [UInt8]] {
            var request = try request(.q50, output)
            request.training.emaDecay = 0.9
            request.training.perDeviceTrainBatchSize = 3
            request.training.gradientAccumulationSteps = 2
            return try Support.weights(of: request, stoppedAfter: steps)
        }
        #expect(try run("whole", stopAfter: nil) == run("stopped", stopAfter: 5))
    }

    @Test("two processes train the same weights, also on texts of the student's own")
    func processes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request(.q40)
        request.training.numTrainEpochs = 1
        var onPolicy = OnPolicyOptions(fraction: 0.5)
        onPolicy.maxNewTokens = 4
        request.onPolicy = onPolicy
        let shared = request
        let reports = try Together.run(2) { try DistillationRun(shared).run(processes: $0) }
        #expect(reports[0] == reports[1] && reports[0].steps > 3)
    }

    private static let refusals: [(@Sendable (inout DistillRequest) -> Void, String)] = [
        ({ $0.training.lora = LoRAOptions(rank: 2) }, "--lora-rank"),
        ({ $0.quantizeAwareType = .f16 }, "f16 is not quantized"),
        (
            {
                $0.quantizeAwareType = nil
                $0.quantizeAware = true
            }, "--quantize-aware-type q4_k_m"
        ),
    ]

    @Test("what it does not go with is refused by name", arguments: refusals.indices)
    func refused(_ index: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request(.q40)
        let (change, part) = Self.refusals[index]
        change(&request)
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(!FileManager.default.fileExists(atPath: request.output.path))
    }

    @Test("encoders are told of int8, and settings name the types")
    func settings() throws {
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "student"))
        request.quantizeAwareType = .q80
        let error = #expect(throws: DistillationError.self) { try DistillationRun(request).run() }
        #expect(error?.description.contains("for int8 give --quantize-aware") == true)
        let settings = request.settings
        #expect(try DistillRequest(settings).quantizeAwareType == .q80)
        var other = settings
        other.override("quantize_aware_type", "q4_k")
        #expect(try DistillRequest(other).quantizeAwareType == .q4KM)
        other.override("quantize_aware_type", "f16")
        #expect(throws: SettingsError.self) { try DistillRequest(other) }
    }
}
