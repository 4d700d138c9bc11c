import Architectures
import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing

@testable import DistillRuntime

/// Vectors of texts, held to those of sentence-transformers (`scripts/fixtures/sentence_transformers_models.py`).
@Suite("Embeddings as sentence-transformers computes them")
struct EmbeddingTests {
    /// A directory of the fixture, with what sentence-transformers made of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let files: [String: String]
        let weights: [String: String]
        let hasEncoder: Bool
        let texts: [String]
        let prompt: String?
        let vectors: [[Double]]

        var testDescription: String { name }

        static let all: [Case] = {
            let file = Self.fixtures.appending(path: "embeddings.json")
            guard let values = try? JSONValue.load(contentsOf: file).arrayValue else { return [] }
            return values.compactMap(\.objectValue).map { object in
                Case(
                    name: object["name"]?.stringValue ?? "",
                    files: strings(object["files"]) { $0.serialized() },
                    weights: strings(object["weights"]) { $0.stringValue ?? "" },
                    hasEncoder: object["encoder"]?.boolValue ?? true,
                    texts: object["texts"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                    prompt: object["prompt"]?.stringValue,
                    vectors: (object["vectors"]?.arrayValue ?? []).map {
                        ($0.arrayValue ?? []).compactMap(\.doubleValue)
                    })
            }
        }()

        private static func strings(
            _ value: JSONValue?, _ text: (JSONValue) -> String
        ) -> [String: String] {
            var strings: [String: String] = [:]
            for (name, value) in value?.objectValue ?? JSONObject() { strings[name] = text(value) }
            return strings
        }

        static func named(_ name: String) throws -> Case { try #require(all.first { $0.name == name }) }

        /// Writes the directory.
        func write(to directory: URL) throws {
            let manager = FileManager.default
            try manager.createDirectory(at: directory, withIntermediateDirectories: true)
            let names =
                hasEncoder
                ? ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
                : ["tokenizer.json"]
            for name in names where files[name] == nil && weights[name] == nil {
                try manager.copyItem(
                    at: tinyTeacher.appending(path: name), to: directory.appending(path: name))
            }
            if hasEncoder, files["config.json"] == nil { try name("BertModel", in: directory) }
            for (path, source) in weights {
                let target = directory.appending(path: path)
                try manager.createDirectory(
                    at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try manager.copyItem(at: Self.fixtures.appending(path: source), to: target)
            }
            for (path, text) in files {
                let target = directory.appending(path: path)
                try manager.createDirectory(
                    at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: target)
            }
        }

        /// Names the class in `config.json`, which sentence-transformers' directories have: that of an encoder without a head.
        func name(_ architecture: String, in directory: URL) throws {
            let file = directory.appending(path: "config.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            let named = text.replacing(
                /"architectures": *\[\s*"[A-Za-z]+"/, with: "\"architectures\": [\"\(architecture)\"")
            try #require(named.contains(architecture))
            try Data(named.utf8).write(to: file)
        }

        static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    }

    private func withDirectory<Result>(_ model: Case, _ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-embeddings-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try model.write(to: directory)
        return try body(directory)
    }

    @Test("vectors are sentence-transformers'", arguments: Case.all)
    func golden(model: Case) throws {
        try withDirectory(model) { directory in
            let embedder = try TextEmbedder(directory.path)
            let vectors = try embedder.embed(model.texts, prompt: model.prompt)
            #expect(vectors.count == model.vectors.count && embedder.dimension == model.vectors[0].count)
            for (own, golden) in zip(vectors, model.vectors) {
                let size = golden.map { abs($0) }.max() ?? 0
                for (a, b) in zip(own, golden) { #expect(abs(Double(a) - b) <= 1e-5 * max(1, size)) }
            }
        }
    }

    @Test("an encoder's hidden states are read whatever class it names")
    func anyClass() throws {
        let model = try #require(Case.all.first { $0.hasEncoder })
        try withDirectory(model) { directory in
            let wanted = try TextEmbedder(directory.path).embed(model.texts, prompt: model.prompt)
            for name in ["BertForMaskedLM", "BertForSequenceClassification", "BertForMultipleChoice"] {
                try model.name(name, in: directory)
                #expect(try TextEmbedder(directory.path).embed(model.texts, prompt: model.prompt) == wanted)
            }
        }
    }

    @Test("all cases of the fixture are there")
    func cases() {
        #expect(Case.all.count == 40)
        #expect(Case.all.allSatisfy { !$0.texts.isEmpty && $0.texts.count == $0.vectors.count })
    }

    @Test("a text's vector depends neither on the texts beside it nor on how it is asked for")
    func batches() async throws {
        let model = try Case.named("old with three modes")
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-embeddings-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try model.write(to: directory)
        let embedder = try TextEmbedder(directory.path)
        let texts = (0..<40).map { String(repeating: "a wonderful film ", count: $0 % 7 + 1) + "\($0)" }
        let together = try await embedder.embed(texts)
        #expect(together.flatMap { $0 } == (try embedder.vectors(texts).values))
        for (text, vector) in zip(texts, together) {
            let alone = try await embedder.embed([text])
            #expect(alone == [vector])
        }
        #expect(try embedder.vectors([]).values.isEmpty)
    }

    @Test("an encoder is read whether its weights' names have the family's prefix or not")
    func bareNames() throws {
        let model = try Case.named("old mean_tokens")
        try withDirectory(model) { directory in
            let checkpoint = try SafetensorsCheckpoint(directory: directory)
            let tensors = try checkpoint.names.filter { $0.hasPrefix("bert.") }.map { name in
                let info = try #require(checkpoint.info(name))
                return (
                    name: String(name.dropFirst("bert.".count)), shape: info.shape,
                    bytes: try Array(checkpoint.bytes(of: name))
                )
            }
            let before: [[Float]] = try TextEmbedder(directory.path).embed(model.texts)
            let file = directory.appending(path: "model.safetensors")
            try FileManager.default.removeItem(at: file)
            try SafetensorsBytes.write(tensors, to: file)
            #expect(try TextEmbedder(directory.path).embed(model.texts) as [[Float]] == before)
        }
    }

    @Test("what does not fit is an error that names the file and what to do")
    func refused() throws {
        let model = try Case.named("prompt query")
        func error(_ changes: [String: String?]) throws -> String {
            try withDirectory(model) { directory in
                for (path, text) in changes {
                    let file = directory.appending(path: path)
                    try? FileManager.default.removeItem(at: file)
                    guard let text else { continue }
                    try FileManager.default.createDirectory(
                        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data(text.utf8).write(to: file)
                }
                do {
                    _ = try TextEmbedder(directory.path).embed(["good"], prompt: "query") as [[Float]]
                    return "no error"
                } catch { return "\(error)" }
            }
        }
        let modules = #"[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}"#
        #expect(try error(["1_Pooling/config.json": nil]).contains("1_Pooling/config.json: is missing"))
        #expect(try error(["modules.json": "{}"]).contains("modules.json: must be a list of modules"))
        #expect(try error(["modules.json": "[]"]).contains("modules.json: lists no module"))
        #expect(
            try error(["modules.json": modules + #", {"path": "2_LSTM", "type": "a.LSTM"}]"#]).contains(
                "the module a.LSTM is not known here"))
        #expect(
            try error(["modules.json": modules + #", {"path": "../x", "type": "a.Dense"}]"#]).contains(
                "entry 3 has the path '../x', which leads out of the directory"))
        #expect(
            try error(["modules.json": #"[{"path": "", "type": "a.Transformer"}]"#]).contains(
                "has no Pooling"))
        #expect(
            try error(["modules.json": #"[{"path": "1_Pooling", "type": "a.Pooling"}]"#]).contains(
                "the module a.Pooling is not where it belongs"))
        #expect(
            try error(["1_Pooling/config.json": #"{"embedding_dimension": 32, "pooling_mode": "mode"}"#])
                .contains(
                    "1_Pooling/config.json: pooling_mode 'mode' is none of cls, max, mean"))
        #expect(
            try error(["1_Pooling/config.json": #"{"embedding_dimension": 31, "pooling_mode": "cls"}"#])
                .contains(
                    "the pooling is for vectors of 31 components, the encoder's have 32"))
        #expect(
            try error(["sentence_bert_config.json": #"{"max_seq_length": 1}"#]).contains(
                "sentence_bert_config.json: max_seq_length must be a number of at least 3"))
        #expect(
            try error(["config_sentence_transformers.json": #"{"prompts": {"document": "d"}}"#]).contains(
                "has no prompt 'query'; it has 'document'"))
        #expect(
            try error([
                "config_sentence_transformers.json":
                    #"{"prompts": {"query": "d"}, "default_prompt_name": "x"}"#
            ]).contains("default_prompt_name is 'x', which is none of the prompts"))
        let dense = modules + #", {"path": "2_Dense", "type": "a.Dense"}]"#
        #expect(
            try error([
                "modules.json": dense, "2_Dense/config.json": #"{"in_features": 32, "out_features": 8}"#,
            ]).contains("2_Dense"))
        #expect(
            try error([
                "modules.json": dense, "2_Dense/config.json": #"{"in_features": 16, "out_features": 8}"#,
            ]).contains("in_features is 16, but the vectors have 32 components"))
        #expect(
            try error([
                "modules.json": dense,
                "2_Dense/config.json":
                    #"{"in_features": 32, "out_features": 8, "activation_function": "a.Step"}"#,
            ]).contains("activation_function 'a.Step' is none of Identity, Tanh"))
        #expect(try error(["modules.json": nil]).contains("has no modules.json"))
    }

    @Test("a static table's files must belong together")
    func tables() throws {
        let model = try Case.named("static table")
        try withDirectory(model) { directory in
            let file = directory.appending(path: "model.safetensors")
            try FileManager.default.removeItem(at: file)
            try SafetensorsBytes.write(
                [(name: "embedding.weight", shape: [3, 2], bytes: [UInt8](repeating: 0, count: 24))], to: file
            )
            let error = #expect(throws: RuntimeError.self) { try TextEmbedder(directory.path) }
            #expect(
                error?.description.contains("the tokenizer has ids up to 197, the table 3 tokens") == true)
            try FileManager.default.removeItem(at: file)
            try SafetensorsBytes.write(
                [(name: "other", shape: [1], bytes: [0, 0, 0, 0])], to: file)
            let missing = #expect(throws: RuntimeError.self) { try TextEmbedder(directory.path) }
            #expect(missing?.description.contains("has no tensor 'embedding.weight' or 'embeddings'") == true)
        }
    }
}

/// A safetensors file of float32 tensors, byte by byte.
private enum SafetensorsBytes {
    static func write(_ tensors: [(name: String, shape: [Int], bytes: [UInt8])], to file: URL) throws {
        var (entries, data) = ([String](), [UInt8]())
        for tensor in tensors {
            let end = data.count + tensor.bytes.count
            entries.append(
                "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(data.count),\(end)]}"
            )
            data += tensor.bytes
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        try Data(length + header + data).write(to: file)
    }
}
