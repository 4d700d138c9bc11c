import Foundation
import JSON
import Testing

@testable import DistillRuntime

@Suite("The files of a sentence-transformers directory")
struct EmbeddingFilesTests {
    private func withDirectory<Result>(_ name: String, _ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-embeddings-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try EmbeddingTests.Case.named(name).write(to: directory)
        return try body(directory)
    }

    private func write(_ text: String, _ path: String, _ directory: URL) throws {
        let file = directory.appending(path: path)
        try? FileManager.default.removeItem(at: file)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test(
        "the class that config.json names is no hindrance: the encoder alone is read",
        arguments: ["BertModel", "BertForMaskedLM", "BertForPreTraining"])
    func classes(_ name: String) throws {
        let texts = try EmbeddingTests.Case.named("old mean_tokens").texts
        try withDirectory("old mean_tokens") { directory in
            let before: [[Float]] = try TextEmbedder(directory.path).embed(texts)
            let file = directory.appending(path: "config.json")
            guard case .object(var fields) = try JSONValue.load(contentsOf: file) else { return }
            fields["architectures"] = [.string(name)]
            try write(JSONValue.object(fields).serialized(), "config.json", directory)
            #expect(try TextEmbedder(directory.path).embed(texts) as [[Float]] == before)
        }
    }

    private static let modules = """
        [{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}, \
        {"path": "2_Dense", "type": "a.Dense"}]
        """

    @Test(
        "a value of another type is an error that names file and key, not the default",
        arguments: [
            (
                "1_Pooling/config.json", #"{"embedding_dimension": 32, "pooling_mode": ["mean", 3]}"#,
                "pooling_mode must be a name, or a list of names, got an integer"
            ),
            (
                "1_Pooling/config.json", #"{"word_embedding_dimension": 32, "pooling_mode_cls_token": 1}"#,
                "pooling_mode_cls_token must be true or false, not an integer"
            ),
            (
                "1_Pooling/config.json",
                #"{"word_embedding_dimension": 32, "pooling_mode_median_tokens": true}"#,
                "pooling_mode_median_tokens is not computed here"
            ),
            (
                "1_Pooling/config.json",
                #"{"embedding_dimension": 32, "pooling_mode": "mean", "include_prompt": "false"}"#,
                "include_prompt must be true or false, not a string"
            ),
            (
                "sentence_bert_config.json", #"{"max_seq_length": 16, "do_lower_case": "True"}"#,
                "do_lower_case must be true or false, not a string"
            ),
            (
                "config_sentence_transformers.json", #"{"prompts": ["query: "]}"#,
                "prompts must be an object of names and texts, not an array"
            ),
            (
                "config_sentence_transformers.json", #"{"default_prompt_name": 3}"#,
                "default_prompt_name must be a text, not an integer"
            ),
            (
                "2_Dense/config.json", #"{"in_features": 32, "out_features": 8, "bias": "no"}"#,
                "bias must be true or false, not a string"
            ),
            (
                "2_Dense/config.json", #"{"in_features": 32, "out_features": 8, "activation_function": 1}"#,
                "activation_function must be a text, not an integer"
            ),
        ])
    func types(_ file: String, _ text: String, _ part: String) throws {
        try withDirectory("old mean_tokens") { directory in
            if file.hasPrefix("2_Dense") { try write(Self.modules, "modules.json", directory) }
            try write(text, file, directory)
            let error = #expect(throws: (any Error).self) { try TextEmbedder(directory.path) }
            let found = error.map { "\($0)" } ?? ""
            #expect(found.contains("\(file): ") && found.contains(part), "\(found)")
        }
    }
}
