import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// Static tables as models: read in every form, saved in model2vec's.
@Suite("Static models")
struct StaticModelTests {
    private static let rows: [Float] = [1, 0, 2, 0, 3, 4, -1, 2]

    private static func floats(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    private static let modules = """
        [{"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
         {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}]
        """

    /// A directory of four tokens with two components; the last one stands for unknown words.
    private static func write(
        to directory: URL, _ tensors: [SafetensorsWriter.Entry], config: String? = nil,
        modules: String? = modules
    ) throws {
        try SafetensorsWriter.write(tensors, to: directory.appending(path: "model.safetensors"))
        if let config { try AtomicFile.write(config, to: directory.appending(path: "config.json")) }
        if let modules { try AtomicFile.write(modules, to: directory.appending(path: "modules.json")) }
    }

    private static func table(_ name: String = "embeddings") -> SafetensorsWriter.Entry {
        .init(name: name, dtype: .float32, shape: [4, 2], bytes: floats(rows))
    }

    private static let config =
        #"{"model_type": "model2vec", "architectures": ["StaticModel"], "unk_token_id": 3}"#

    private func vectors(_ model: TransformerModel, _ texts: [[Int32]]) throws -> [Float] {
        let offsets = texts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
        return try withNoGrad {
            try model(PackedInput(inputIDs: texts.flatMap(\.self), offsets: offsets)).logits.array()
        }
    }

    @Test("the mean without unknown words, of length 1; zeros where nothing is left")
    func forward() throws {
        try withTemporaryDirectory { directory in
            try Self.write(to: directory, [Self.table()], config: Self.config)
            let model = try AutoModel.load(from: directory).model
            #expect(model.configuration.isTable && model.configuration.task == .embedding)
            #expect(model.configuration.outputCount == 2 && model.configuration.vocabSize == 4)
            // (1, 0) and (3, 4) make (2, 2); (2, 0) alone (1, 0).
            let root = Float(0.5).squareRoot()
            let own = try vectors(model, [[0, 2], [1, 3], [3], []])
            #expect(zip(own, [root, root, 1, 0, 0, 0, 0, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test("tables of sentence-transformers, which have no config.json, and shared rows with weights by token")
    func forms() throws {
        try withTemporaryDirectory { directory in
            let (one, other) = (directory.appending(path: "one"), directory.appending(path: "other"))
            for folder in [one, other] {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            }
            try Self.write(to: one, [Self.table("embedding.weight")])
            let plain = try AutoModel.load(from: one).model
            #expect(try plain.parameters["embeddings.weight"]?.array() == Self.rows)
            let mapping: [Int64] = [2, 2, 0]
            try Self.write(
                to: other,
                [
                    Self.table(),
                    .init(
                        name: "mapping", dtype: .int64, shape: [3],
                        bytes: mapping.withUnsafeBytes { Array($0) }),
                    .init(name: "weights", dtype: .float32, shape: [3], bytes: Self.floats([1, 2, 0.5])),
                ], config: #"{"model_type": "model2vec"}"#, modules: nil)
            let (shared, report) = try AutoModel.loadEmbedding(
                from: other,
                modules: { own, _ in
                    try #require(own)
                })
            #expect(try shared.parameters["embeddings.weight"]?.array() == [3, 4, 6, 8, 0.5, 0])
            #expect(report.unused.isEmpty && report.newlyInitialized.isEmpty)
        }
    }

    @Test(
        "what is saved is read again, with tokens' weights in their rows, in float16 where the configuration says so"
    )
    func saved() throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "source")
            try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
            try Self.write(
                to: source, [Self.table()],
                config: #"{"model_type": "model2vec", "embedding_dtype": "float16", "unk_token_id": 3}"#)
            let model = try AutoModel.loadEmbedding(from: source, change: { $0.hasTokenWeights = true }).model
            let weights = try #require(model.parameters["token_weights.weight"])
            try withNoGrad { try weights.copy(from: Tensor([2, 0.5, 1, 1] as [Float], shape: [4])) }
            let texts: [[Int32]] = [[0, 1, 2], [2, 2, 1]]
            let before = try vectors(model, texts)
            let saved = directory.appending(path: "saved")
            try ModelWriter.save(model, to: saved)
            let file = try SafetensorsFile(contentsOf: saved.appending(path: "model.safetensors"))
            #expect(file.tensors.map(\.name) == ["embeddings"])
            #expect(file.info("embeddings")?.dtype == .float16)
            let again = try AutoModel.load(from: saved).model
            #expect(
                try again.parameters["embeddings.weight"]?.array() == [2, 0, 1, 0, 3, 4, -1, 2] as [Float])
            #expect(zip(before, try vectors(again, texts)).allSatisfy { abs($0 - $1) < 1e-6 })
            #expect(again.configuration.unknownToken == 3)
            let modules = try String(contentsOf: saved.appending(path: "modules.json"), encoding: .utf8)
            #expect(modules.contains("models.StaticEmbedding") && modules.contains("models.Normalize"))
        }
    }

    @Test(
        "a classifier keeps its labels, its table and its layer before the classifier", arguments: [nil, 5])
    func classifier(hidden: Int?) throws {
        try withTemporaryDirectory { directory in
            let source = directory.appending(path: "source")
            try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
            try Self.write(to: source, [Self.table()], config: Self.config)
            let (model, report) = try AutoModel.load(
                from: source, labelNames: ["no", "yes"], task: .singleLabel,
                change: { $0.classifierHiddenSize = hidden })
            #expect(report.headIsNew)
            let saved = directory.appending(path: "saved")
            try ModelWriter.save(model, to: saved)
            #expect(!saved.appending(path: "modules.json").fileExists)
            let (again, whole) = try AutoModel.load(from: saved)
            #expect(whole.newlyInitialized.isEmpty && whole.unused.isEmpty)
            #expect(again.configuration.labelNames == ["no", "yes"])
            #expect(again.configuration.classifierHiddenSize == hidden)
            #expect(again.configuration == model.configuration)
            let texts: [[Int32]] = [[0, 1], [2], []]
            #expect(try vectors(again, texts) == vectors(model, texts))
        }
    }

    @Test("files that do not fit are errors that name them")
    func refusals() throws {
        try withTemporaryDirectory { directory in
            func error(_ tensors: [SafetensorsWriter.Entry], _ config: String? = Self.config) throws -> String
            {
                let folder = directory.appending(path: UUID().uuidString)
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try Self.write(to: folder, tensors, config: config)
                let error = #expect(throws: (any Error).self) { try AutoModel.load(from: folder) }
                return error.map { "\($0)" } ?? ""
            }
            #expect(
                try error([.init(name: "other", dtype: .float32, shape: [1], bytes: Self.floats([1]))])
                    .contains("has no tensor 'embeddings'"))
            let bytes: [UInt8] = [1, 2, 3, 4]
            #expect(
                try error([.init(name: "embeddings", dtype: .int8, shape: [2, 2], bytes: bytes)]).contains(
                    "is I8 [2, 2]"))
            let wrong = #"{"model_type": "model2vec", "vocab_size": 9, "hidden_dim": 2}"#
            #expect(try error([Self.table()], wrong).contains("the table has the shape [4, 2]"))
            #expect(
                try error([
                    .init(name: "embeddings", dtype: .float32, shape: [1, 2], bytes: Self.floats([1, .nan]))
                ]).contains("NaN"))
            let far: [Int64] = [4]
            #expect(
                try error([
                    Self.table(),
                    .init(
                        name: "mapping", dtype: .int64, shape: [1], bytes: far.withUnsafeBytes { Array($0) }),
                ]).contains("leads from token 0 to row 4"))
            // Words are labelled with an encoder.
            let folder = directory.appending(path: "words")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.write(to: folder, [Self.table()], config: Self.config, modules: nil)
            #expect {
                try AutoModel.load(from: folder, labelNames: ["O", "B-X"], task: .tokenClassification)
            } throws: {
                "\($0)".contains("label words with an encoder")
            }
            let model = try AutoModel.load(from: folder, labelNames: ["a", "b"], task: .singleLabel).model
            let options = ForwardOptions(features: FeatureSelection(hiddenStates: [0]))
            #expect { try model(PackedInput(inputIDs: [1], offsets: [0, 1]), options) } throws: {
                "\($0)".contains("has no layers")
            }
        }
    }
}
