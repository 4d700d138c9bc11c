import DistillRuntime
import Files
import Foundation
import Safetensors
import TestSupport
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Static students that are trained: of teachers for embeddings and of classifiers.
@Suite("Trained static students")
struct StaticTrainingTests {
    private func request(
        in folder: URL, _ name: String = "student", _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        let teacher = folder.appending(path: "teacher")
        var request = try EmbeddingFixture.request(
            in: folder, teacher: teacher.fileExists ? teacher : try EmbeddingFixture.teacher(in: folder),
            texts: 60, output: name)
        request.student.table = StaticOptions()
        request.student.table?.tableType = .float32
        request.student.embeddingSize = 8
        request.training.numTrainEpochs = 6
        request.training.learningRate = 1e-2
        try change(&request)
        return request
    }

    private func classifier(in folder: URL, _ name: String = "student") -> DistillRequest {
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: folder.appending(path: name))
        request.student.table = StaticOptions()
        request.training.numTrainEpochs = 8
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 5e-2
        request.cache = Support.cache
        return request
    }

    @Test("a table comes nearer to its teacher, and is saved as it was evaluated, unknown words as zeros")
    func trained() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder)
            let report = try DistillationRun(request).run()
            let cosines = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(cosines.count == 6 && cosines.max() ?? 0 > cosines[0])
            var evaluate = EvaluateRequest(model: request.output, data: try #require(request.data.validation))
            evaluate.cache = Support.cache
            let again = try EvaluationRun(evaluate).run()
            #expect(again.model.metrics[.spearman] == report.student.metrics[.spearman])
            #expect(again.model.latencyP50Milliseconds != nil)
            // The runtime's vectors are those of training.
            let model = try LoadedModel(request.output)
            let embedder = try TextEmbedder(request.output.path)
            #expect(embedder.dimension == 8 && embedder.maxLength == nil)
            let texts = ["a wonderful film", "dull zzzqqq", "\u{20ac}", ""]
            let encoding = try model.tokenizer.encodeFlat(batch: texts.map { TextPair($0) }, maxLength: 64)
            let values: [Float] = try withNoGrad {
                try model.model(PackedInput(inputIDs: encoding.ids, offsets: encoding.offsets)).logits.array()
            }
            #expect(zip(try embedder.embed(texts).flatMap(\.self), values).allSatisfy { abs($0 - $1) < 1e-6 })
            let unknown = try #require(model.model.configuration.unknownToken)
            let table: [Float] = try #require(model.model.parameters["embeddings.weight"]).array()
            #expect(table[unknown * 8..<(unknown + 1) * 8].allSatisfy { $0 == 0 })
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(card.contains("a table of 195 tokens with 8 components"))
        }
    }

    @Test(
        "before the first step the table is turned to the teacher's vectors, and a step changes few of its rows"
    )
    func fit() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { $0.training.learningRate = 1e-9 }
            let report = try DistillationRun(request).run()
            let turned = try #require(report.epochs[0].validation[.agreement])
            var plain = StaticStudentRequest(
                teacher: request.teacher, output: folder.appending(path: "plain"))
            (plain.embeddingSize, plain.tableType) = (8, .float32)
            plain.cache = Support.cache
            _ = try StaticStudentRun(plain).run()
            var other = request
            (other.output, other.student) = (folder.appending(path: "other"), StudentOptions())
            other.student.directory = plain.output
            (other.student.pca, other.student.embeddingSize) = (true, 8)
            let unturned = try DistillationRun(other).run().epochs[0].validation[.agreement]
            #expect(turned > (try #require(unturned)) + 0.1)
        }
    }

    @Test("weights of tokens, other losses, float16, and a table as wide as the teacher's vectors")
    func options() throws {
        try withTemporaryDirectory { folder in
            for (name, objective) in [
                ("cosine", "sentence_cosine"), ("mse", "sentence_mse"), ("similarity", "similarity_mse"),
                ("infonce", "infonce(feature=logits, temperature=0.05)"),
            ] {
                let request = try request(in: folder, name) {
                    $0.objectives = [try .init(text: objective)]
                    $0.student.table?.tokenWeights = true
                    $0.student.table?.tableType = .float16
                    ($0.student.embeddingSize, $0.student.pca) = (nil, false)
                    $0.training.numTrainEpochs = 2
                }
                let report = try DistillationRun(request).run()
                let file = try SafetensorsFile(
                    contentsOf: request.output.appending(path: "model.safetensors"))
                #expect(
                    file.tensors.map(\.name) == ["embeddings"] && file.info("embeddings")?.dtype == .float16)
                #expect(try TextEmbedder(request.output.path).dimension == 32)
                // float16 has three digits.
                let model = try LoadedModel(request.output)
                let data = try #require(request.data.validation)
                var evaluate = EvaluateRequest(model: model.directory, data: data)
                (evaluate.teacher, evaluate.cache) = (request.teacher, Support.cache)
                let again = try #require(EvaluationRun(evaluate).run().comparison?.agreement)
                #expect(abs(again - (try #require(report.comparison?.agreement))) < 1e-3, "\(name)")
            }
        }
    }

    @Test("a matrix to the teacher's width is kept as a dense layer, or dropped")
    func projections() throws {
        try withTemporaryDirectory { folder in
            var request = try request(in: folder, "kept") {
                ($0.student.projection, $0.training.numTrainEpochs) = (.keep, 2)
            }
            _ = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 32)
            request.output = folder.appending(path: "dropped")
            request.student.projection = .drop
            let report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 8)
            #expect(report.student.metrics[.agreement] == nil && report.student.metrics[.spearman] != nil)
        }
    }

    @Test("a run in parts and a run of two processes leave what an undisturbed one leaves")
    func resumed() throws {
        try withTemporaryDirectory { folder in
            let whole = try request(in: folder, "whole") {
                $0.precision = .float32
                $0.student.table?.tokenWeights = true
            }
            _ = try DistillationRun(whole).run()
            let expected = try Data(contentsOf: whole.output.appending(path: "model.safetensors"))
            var parts = whole
            parts.output = folder.appending(path: "parts")
            parts.checkpoints.resume = .auto
            var count = 0
            while !parts.output.appending(path: "report.html").fileExists, count < 30 {
                count += 1
                let taken = Counter()
                do {
                    _ = try DistillationRun(parts).run(
                        onEvent: { if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 } },
                        stopRequest: { taken.value >= 9 ? .checkpoint : nil })
                } catch is InterruptedError {}
            }
            #expect(count > 2)
            #expect(try Data(contentsOf: parts.output.appending(path: "model.safetensors")) == expected)
            var shared = whole
            shared.output = folder.appending(path: "shared")
            let together = shared
            let reports = try Together.run(2) { try DistillationRun(together).run(processes: $0) }
            #expect(reports[0] == reports[1])
            func table(_ output: URL) throws -> [Float] {
                try #require(try AutoModel.load(from: output).model.parameters["embeddings.weight"]).array()
            }
            let (one, two) = (try table(whole.output), try table(shared.output))
            let size = one.reduce(0) { $0 + Double($1 * $1) }
            let error = zip(one, two).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            #expect((error / size).squareRoot() < 1e-4)
        }
    }

    @Test("a classifier learns its teacher's outputs, and predicts what was evaluated", arguments: [nil, 12])
    func classifiers(hidden: Int?) throws {
        try withTemporaryDirectory { folder in
            var request = classifier(in: folder)
            request.student.table?.classifierHiddenSize = hidden
            let report = try DistillationRun(request).run()
            #expect(report.epochs.last?.validation[.kl] ?? 9 < report.epochs.first?.validation[.kl] ?? 0)
            let predictor = try Predictor(model: request.output)
            let model = try LoadedModel(request.output)
            #expect(model.model.configuration.classifierHiddenSize == hidden)
            let texts = ["a wonderful film", "dull and boring", "zzzqqq", ""].map { TextPair($0) }
            let own = try predictor.predict(texts)
            let runtime = try TextClassifier(request.output.path)
            let logits = try runtime.logits(texts)
            let encoding = try model.tokenizer.encodeFlat(batch: texts, maxLength: 64)
            let values: [Float] = try withNoGrad {
                try model.model(PackedInput(inputIDs: encoding.ids, offsets: encoding.offsets)).logits.array()
            }
            #expect(zip(logits, values).allSatisfy { abs($0 - $1) < 2e-5 })
            #expect(own.count == 4 && own.allSatisfy { $0.label != nil })
            var evaluate = EvaluateRequest(model: request.output, data: Support.reviews)
            evaluate.cache = Support.cache
            #expect(try EvaluationRun(evaluate).run().model.accuracy != nil)
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(card.contains("distill predict --model") && !card.contains("library_name"))
        }
    }

    /// A setting that a static student cannot have, by what the error names.
    enum Misfit: String, CaseIterable {
        case layers, pooling
        case size = "embedding_size: without PCA"
        case wide = "give 32 or fewer"
        case quantizeAware = "--quantize-aware"
        case hidden = "hidden_mse"
        case sif = "sif must be"

        func apply(to request: inout DistillRequest) throws {
            switch self {
            case .layers: request.student.layers = 2
            case .pooling: request.student.pooling = .cls
            case .size: request.student.pca = false
            case .wide: request.student.embeddingSize = 33
            case .quantizeAware: request.quantizeAware = true
            case .hidden: request.objectives = [try .init(text: "hidden_mse")]
            case .sif: request.student.table?.sif = 2
            }
        }
    }

    @Test("settings that do not fit are refused by name", arguments: Misfit.allCases)
    func refusals(misfit: Misfit) throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { try misfit.apply(to: &$0) }
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains(misfit.rawValue) }
            #expect(!request.output.fileExists)
        }
    }

    @Test("a static table as a teacher needs a student of its own")
    func teachers() throws {
        try withTemporaryDirectory { folder in
            let first = try request(in: folder) { $0.training.numTrainEpochs = 1 }
            _ = try DistillationRun(first).run()
            var second = first
            (second.teachers[0].directory, second.output) = (first.output, folder.appending(path: "second"))
            #expect { try DistillationRun(second).run() } throws: {
                "\($0)".contains("is a static model itself")
            }
            second.student = StudentOptions()
            #expect { try DistillationRun(second).run() } throws: {
                "\($0)".contains("name the student with --student")
            }
            // Nothing is to be learned, and Adam's steps are as long as the learning rate.
            (second.student.directory, second.training.learningRate) = (first.output, 1e-9)
            let report = try DistillationRun(second).run()
            #expect(try #require(report.comparison?.agreement) > 0.99)
        }
    }
}
