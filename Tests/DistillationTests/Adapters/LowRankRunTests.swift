import Files
import Foundation
import JSON
import Safetensors
import Testing
import Torch
import Transformers

@testable import Distillation

/// Runs that train low-rank adapters, from files to files.
@Suite("Runs with low-rank adapters")
struct LowRankRunTests {
    let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-lora-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    func request(_ name: String, _ change: (inout LoRAOptions) -> Void = { _ in }) -> FineTuneRequest {
        var request = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: name))
        request.data.validation = Support.reviews
        request.training.maxSteps = 8
        request.training.learningRate = 5e-3
        request.cache = Support.cache
        var lora = LoRAOptions(rank: 4)
        lora.save = .adapter
        change(&lora)
        request.training.lora = lora
        return request
    }

    func tensors(_ file: URL) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(contentsOf: file)
        var all: [String: [UInt8]] = [:]
        for info in file.tensors { all[info.name] = try file.withBytes(of: info.name) { [UInt8]($0) } }
        return all
    }

    @Test("the saved model is base and adapters, which merge into the same when they are read")
    func saved() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let request = request("model")
        let report = try FineTuningRun(request).run()
        let saved = try tensors(request.output.appending(path: "model.safetensors"))
        let base = try tensors(Support.teacher.appending(path: "model.safetensors"))
        let changed = Set(saved.keys.filter { saved[$0] != base[$0] })
        // The adapted layers, and the head.
        #expect(changed.contains("bert.encoder.layer.0.attention.self.query.weight"))
        #expect(changed.contains("classifier.weight") && changed.contains("bert.pooler.dense.bias"))
        #expect(
            !changed.contains {
                $0.contains("embeddings") || $0.contains("LayerNorm") || $0.contains("query.bias")
            })

        var cache = CacheOptions()
        cache.directory = scratch.appending(path: "cache")
        let adapter = request.output.appending(path: "adapter")
        let config = try #require(
            try JSONValue.load(contentsOf: adapter.appending(path: "adapter_config.json")).objectValue)
        #expect(config["r"]?.intValue == 4 && config["lora_alpha"]?.intValue == 8)
        #expect(config["task_type"]?.stringValue == "SEQ_CLS")
        var merges: [String] = []
        func read() throws -> URL {
            try MergedAdapter.directory(
                for: adapter, cache: cache, locate: { _ in URL(filePath: "/nowhere") },
                onMerge: { merges.append($0) })
        }
        let merged = try read()
        #expect(try tensors(merged.appending(path: "model.safetensors")) == saved)
        #expect(try read() == merged && merges.count == 1)
        #expect(CacheContents(cache.root).entries().contains { $0.kind == .merged })
        var evaluate = EvaluateRequest(model: merged, data: Support.reviews)
        evaluate.cache = Support.cache
        #expect(try EvaluationRun(evaluate).run().model.accuracy == report.student.accuracy)
    }

    @Test("a run that is stopped goes on with the same bits, from adapters alone", arguments: [0, 0.2])
    func resumed(dropout: Double) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        func make(_ name: String) -> FineTuneRequest {
            var request = request(name) { $0.dropout = dropout }
            request.training.optim = .adamw8bit
            request.training.gradientCheckpointing = true
            request.training.evalSteps = 4
            request.training.loggingSteps = 1
            return request
        }
        var isStopped = false
        // libtorch's operations have other bits on another number of threads, which other tests set.
        try Runtime.withThreadCount(2) {
            _ = try FineTuningRun(make("whole")).run()
            #expect(throws: InterruptedError.self) {
                try FineTuningRun(make("parts")).run(
                    onEvent: {
                        if case .step(let metrics) = $0, metrics.step >= 5 { isStopped = true }
                    }, stopRequest: { isStopped ? .checkpoint : nil })
            }
        }
        let folder = scratch.appending(path: "parts.checkpoints")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().last)
        let weights = try tensors(folder.appending(path: "\(name)/model.safetensors"))
        #expect(weights.keys.contains("bert.encoder.layer.0.attention.self.query.lora_A.weight"))
        #expect(!weights.keys.contains("bert.encoder.layer.0.attention.self.query.weight"))
        // B begins at zero.
        let trained = try #require(weights["bert.encoder.layer.0.attention.self.query.lora_B.weight"])
        #expect(trained.contains { $0 != 0 })
        var rest = make("parts")
        rest.checkpoints.resume = .latest
        _ = try Runtime.withThreadCount(2) { try FineTuningRun(rest).run() }
        #expect(
            try tensors(scratch.appending(path: "parts/model.safetensors"))
                == tensors(scratch.appending(path: "whole/model.safetensors")))
    }

    @Test("what adapters cannot be is refused by the setting's name")
    func refusals() throws {
        func message(_ change: (inout LoRAOptions) -> Void) -> String {
            do {
                _ = try FineTuningRun(request("none", change)).run()
                return ""
            } catch { return "\(error)" }
        }
        #expect(message { $0.rank = 0 }.contains("lora_rank"))
        #expect(message { $0.alpha = -1 }.contains("lora_alpha"))
        #expect(message { $0.dropout = 1 }.contains("lora_dropout"))
        #expect(message { $0.targets = [] }.contains("lora_targets"))
        #expect(message { $0.targets = ["nothing"] }.contains("'nothing'"))
        var settings = Settings()
        settings.override("lora_alpha", 4.0)
        #expect(throws: SettingsError.self) { try LoRAOptions(SettingsReader(settings)) }
        // A student that is made of its teacher has no base.
        var student = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "student"))
        student.student.layers = 2
        student.training.lora = request("none").training.lora
        #expect(throws: DistillationError.self) { try DistillationRun(student).run() }
    }

    @Test("files that are no adapters of the model are refused by tensor and file")
    func damaged() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let request = request("model")
        _ = try FineTuningRun(request).run()
        let file = request.output.appending(path: "adapter/adapter_config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        func message(_ from: String, _ to: String) throws -> String {
            #expect(text.contains(from), "\(from)")
            try Data(text.replacing(from, with: to).utf8).write(to: file)
            var cache = CacheOptions()
            cache.directory = scratch.appending(path: "cache")
            do {
                _ = try MergedAdapter.directory(
                    for: file.deletingLastPathComponent(), cache: cache,
                    locate: { throw DistillationError("no \($0) here") })
                return ""
            } catch { return "\(error)" }
        }
        #expect(try message("\"LORA\"", "\"IA3\"").contains("peft_type"))
        #expect(try message("\"use_dora\": false", "\"use_dora\": true").contains("use_dora"))
        #expect(try message(Support.teacher.standardizedFileURL.path, "org/missing").contains("org/missing"))
        #expect(try message("\"lora_alpha\": 8", "\"lora_alpha\": \"8\"").contains("lora_alpha"))
        let other = Support.teacher.standardizedFileURL.path
        #expect(try message(other, scratch.appending(path: "model").path).isEmpty)
        #expect(try message("{", "").contains("adapter_config.json"))
    }
}
