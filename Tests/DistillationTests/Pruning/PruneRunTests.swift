import Deployment
import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Models are pruned without training")
struct PruneRunTests {
    /// A language model whose third layer adds nothing, and texts for it.
    private func material(in folder: URL) throws -> (model: URL, texts: URL) {
        let tiny = try TinyLanguageModel(in: folder, layers: 4)
        let model = try AutoModel.load(from: tiny.directory).model
        try model.parameters.freeze()
        for name in ["self_attn.o_proj", "mlp.down_proj"] {
            try #require(model.parameters["model.layers.2.\(name).weight"]).fill(0)
        }
        try ModelWriter.save(model, to: tiny.directory)
        let texts = folder.appending(path: "chats.jsonl")
        try TinyLanguageModel.conversations(to: texts)
        return (tiny.directory, texts)
    }

    private func request(_ folder: URL, _ change: (inout PruneRequest) -> Void) throws -> PruneRequest {
        let (model, texts) = try material(in: folder)
        var request = PruneRequest(model: model, data: texts, output: folder.appending(path: "pruned"))
        request.cache.directory = folder.appending(path: "cache")
        change(&request)
        return request
    }

    @Test("a layer that adds nothing goes first and costs nothing; the directory opens")
    func layers() throws {
        try withTemporaryDirectory { folder in
            let report = try PruneRun(try request(folder) { $0.sizes.layers = 3 }).run()
            #expect(report.layers == [0, 1, 3] && report.droppedLayers.map(\.layer) == [2])
            #expect(report.distance < 1e-6 && report.agreement == 1, "\(report.distance)")
            #expect(report.before.shape.layers == 4 && report.after.shape.layers == 3)
            #expect(report.evenLayers?.distance ?? 0 > 0.01)
            let output = folder.appending(path: "pruned")
            let loaded = try LoadedModel(output, languageModels: true)
            #expect(loaded.model.parameters.elementCount == report.after.parameters)
            let stored = try JSONText.decode(
                PruneReport.self,
                from: String(contentsOf: output.appending(path: "pruning.json"), encoding: .utf8))
            #expect(stored.layers == report.layers && stored.data == report.data)
        }
    }

    @Test("heads, neurons and hidden dimensions; the result is compared on other texts")
    func widths() throws {
        try withTemporaryDirectory { folder in
            let made = try request(folder) {
                $0.sizes = PrunedSizes(hiddenSize: 28, intermediateSize: 32, keyValueHeads: 1)
                $0.layers = [0, 1, 3]
                $0.validation = folder.appending(path: "chats.jsonl")
            }
            let report = try PruneRun(made).run()
            #expect(report.droppedLayers.isEmpty && report.layers == [0, 1, 3])
            #expect(report.heads?.allSatisfy { $0.count == 2 } == true && report.hidden?.count == 28)
            #expect(report.distance > 0 && report.validation != nil)
            let configuration = try ModelConfiguration(contentsOf: made.output)
            #expect(
                configuration.shape
                    == ModelShape(
                        layers: 3, hiddenSize: 28, intermediateSize: 32, attentionHeads: 2, keyValueHeads: 1))
            #expect(configuration.json()["head_dim"] == 8)
        }
    }

    @Test("a search keeps to the target, and takes the nearest of what it tried")
    func search() throws {
        try withTemporaryDirectory { folder in
            let report = try PruneRun(try request(folder) { $0.target = .ratio(0.7) }).run()
            let most = Int(Double(report.before.parameters) * 0.7)
            #expect(report.trials.count >= 3 && report.trials.allSatisfy { $0.parameters <= most })
            #expect(report.trials.map(\.distance) == report.trials.map(\.distance).sorted())
            #expect(report.after.shape == report.trials.first?.shape)
            let model = try AutoModel.load(from: folder.appending(path: "pruned")).model
            #expect(model.parameters.elementCount == report.after.parameters)
        }
    }

    @Test("a search for a time measures each shape, and says how long the result takes")
    func latency() throws {
        try withTemporaryDirectory { folder in
            let report = try PruneRun(try request(folder) { $0.target = .latencyRatio(0.8) }).run()
            #expect(!report.trials.isEmpty)
            for trial in report.trials {
                #expect(try #require(trial.latencyRatio) <= 0.8 && trial.shape != report.before.shape)
            }
            #expect(report.after.shape == report.trials.first?.shape)
            #expect(report.before.latencyMilliseconds ?? 0 > 0 && report.after.latencyMilliseconds ?? 0 > 0)
            let latency = try #require(report.targetLatency)
            #expect(
                latency.targetRatio == 0.8 && latency.targetMilliseconds == nil && latency.target == "0.8")
            #expect(latency.isMet == (latency.ratio <= 0.8) && latency.excess == latency.ratio / 0.8)
            // Over the target, a smaller shape was searched.
            #expect(latency.isMet || latency.searches > 1)
            #expect(latency.milliseconds == report.after.latencyMilliseconds && latency.textTokens > 1)
            let file = folder.appending(path: "pruned/pruning.json")
            let stored = try JSONText.decode(
                PruneReport.self, from: String(contentsOf: file, encoding: .utf8))
            #expect(stored.targetLatency == latency)
        }
    }

    @Test("a time over its target, in milliseconds and as a fraction")
    func excess() throws {
        let text =
            #"{"is_met": false, "milliseconds": 15, "model_milliseconds": 20, "ratio": 0.75, "searches": 3, "#
            + #""text_tokens": 9, "#
        let fraction = try JSONText.decode(PruneReport.Latency.self, from: text + #""target_ratio": 0.5}"#)
        #expect(fraction.excess == 1.5 && fraction.target == "0.5")
        let time = try JSONText.decode(PruneReport.Latency.self, from: text + #""target_milliseconds": 12}"#)
        #expect(time.excess == 1.25 && time.target == "12ms")
    }

    @Test("sizes that are given beside a target are kept, and the others searched")
    func sizesBesideTarget() throws {
        try withTemporaryDirectory { folder in
            let made = try request(folder) {
                $0.sizes.layers = 3
                $0.target = .ratio(0.7)
            }
            let report = try PruneRun(made).run()
            let most = Int(Double(report.before.parameters) * 0.7)
            #expect(report.after.shape.layers == 3 && report.after.parameters <= most)
            #expect(report.trials.allSatisfy { $0.shape.layers == 3 } && report.targetLatency == nil)
        }
    }

    @Test("an encoder: its classes are compared")
    func encoder() throws {
        try withTemporaryDirectory { folder in
            var request = PruneRequest(
                model: Support.teacher, data: Support.reviews, output: folder.appending(path: "pruned"))
            request.cache.directory = folder.appending(path: "cache")
            request.sizes = PrunedSizes(layers: 1, intermediateSize: 16)
            let report = try PruneRun(request).run()
            #expect(report.measure == .kl && report.distance >= 0 && report.after.shape.layers == 1)
            _ = try LoadedModel(request.output)
        }
    }

    @Test("what cannot be is refused in a line, and nothing is left")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            let base = try request(folder) { _ in }
            func expect(_ parts: String..., change: (inout PruneRequest) -> Void) {
                var request = base
                change(&request)
                let error = #expect(throws: (any Error).self) { try PruneRun(request).run() }
                for part in parts { #expect("\(error!)".contains(part), "\(error!) lacks \(part)") }
                #expect(!FileManager.default.fileExists(atPath: request.output.path))
            }
            expect("nothing to prune", "--target-parameters") { _ in }
            expect("has these sizes already") { $0.sizes.layers = 4 }
            expect("--layers 9") { $0.sizes.layers = 9 }
            expect("--keep-layers", "in order") { $0.layers = [2, 1] }
            expect("--target-parameters", "choose fewer") { $0.target = .parameters(1_000_000_000) }
            expect("no part of") { $0.target = .parameters(100) }
            expect("between 0 and 1") { $0.target = .ratio(1.5) }
            expect("--keep-layers first", "none is to go") {
                $0.layers = .choice(.first)
                $0.sizes.intermediateSize = 32
            }
            expect("--target-latency", "between 0 and 1") { $0.target = .latencyRatio(1) }
            expect("--target-latency", "above 0") { $0.target = .latency(.nan) }
            let name = base.model.path
            expect("--target-latency 1000000000ms: \(name) already takes", "for a text of", "choose less") {
                $0.target = .latency(1e9)
            }
            expect(
                "--target-latency 1e-06: no part of \(name) that", "the least found is",
                "of it) for a text of"
            ) {
                $0.target = .latencyRatio(1e-6)
            }
            expect("--target-latency 1e-06ms: no part of \(name) that", "allow more") {
                $0.target = .latency(1e-6)
            }
            expect("--layers 9") {
                $0.sizes.layers = 9
                $0.target = .ratio(0.5)
            }
            expect("batch_size") {
                $0.batchSize = 0
                $0.sizes.layers = 3
            }
            expect("--attention-heads 3") { $0.sizes.attentionHeads = 3 }
        }
    }

    @Test("run --init pruned: a student of smaller sizes starts near its teacher and is trained")
    func start() throws {
        try withTemporaryDirectory { folder in
            let (model, texts) = try material(in: folder)
            var request = DistillRequest(
                teacher: model, data: DataRequest(train: texts), output: folder.appending(path: "student"))
            request.cache.directory = folder.appending(path: "cache")
            request.student.initialization = .pruned
            (request.student.layers, request.student.intermediateSize) = (3, 40)
            request.student.keyValueHeads = 1
            (request.training.maxSteps, request.training.learningRate) = (2, 1e-3)
            var notes: [String] = []
            _ = try DistillationRun(request).run { event in
                if case .note(let note) = event { notes.append(note) }
            }
            #expect(notes.contains { $0.contains("layers 0, 1, 3, pruned to") }, "\(notes)")
            let shape = try ModelConfiguration(contentsOf: request.output).shape
            #expect(shape.layers == 3 && shape.intermediateSize == 40 && shape.attentionHeads == 2)
            // The option belongs to it alone.
            request.student.initialization = .teacherLayers
            let error = #expect(throws: (any Error).self) { try DistillationRun(request) }
            #expect("\(error!)".contains("--init pruned"), "\(error!)")
        }
    }
}
