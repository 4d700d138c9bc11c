import DistillRuntime
import Foundation
import JSON
import TestSupport
import Testing
import Torch
import Transformers

@testable import Distillation

/// The models behind the training: held to the runtime, which `EmbeddingTests` holds to sentence-transformers.
@Suite("Models for embeddings")
struct EmbeddingModelTests {
    /// Modules behind an encoder, of a width.
    typealias Modules = @Sendable (Int) -> SentenceTransformer

    static let modules: [(name: String, modules: Modules)] = {
        var all: [(name: String, modules: Modules)] = []
        for mode in PoolingMode.allCases {
            all.append(
                (mode.rawValue, { SentenceTransformer(pooling: [mode], width: $0, normalizes: false) }))
        }
        all.append(("normalized", { SentenceTransformer(pooling: [.mean], width: $0, normalizes: true) }))
        all.append(
            ("two modes", { SentenceTransformer(pooling: [.cls, .mean], width: $0, normalizes: true) }))
        all.append(
            ("another order", { SentenceTransformer(pooling: [.mean, .max], width: $0, normalizes: false) }))
        all.append(
            (
                "dense",
                {
                    SentenceTransformer(pooling: [.mean], width: $0, normalizes: true).resized(
                        width: $0, outputs: 12)
                }
            ))
        return all
    }()

    @Test("vectors in training are those of the runtime", arguments: EmbeddingModelTests.modules.map(\.name))
    func vectors(name: String) throws {
        let modules = try #require(Self.modules.first { $0.name == name }).modules
        try withTemporaryDirectory { folder in
            let directory = try EmbeddingFixture.teacher(in: folder, modules: modules)
            let loaded = try LoadedModel(directory)
            let embedder = try TextEmbedder(directory.path)
            #expect(embedder.dimension == loaded.model.configuration.outputCount)
            let wanted = try embedder.embed(EmbeddingFixture.texts)
            let encoding = try loaded.tokenizer.encodeFlat(
                batch: EmbeddingFixture.texts.map { .init($0) }, maxLength: 32)
            let input = PackedInput(inputIDs: encoding.ids, offsets: encoding.offsets)
            let found: [Float] = try withNoGrad { try loaded.model(input).logits.array() }
            let flat = wanted.flatMap(\.self)
            #expect(found.count == flat.count)
            #expect(zip(found, flat).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
        }
    }

    @Test("a saved model is loaded as it was, its weights without the name of the encoder before them")
    func saved() throws {
        try withTemporaryDirectory { folder in
            let directory = try EmbeddingFixture.teacher(in: folder) {
                SentenceTransformer(pooling: [.mean], width: $0, normalizes: true).resized(
                    width: $0, outputs: 12)
            }
            let (model, report) = try AutoModel.load(from: directory)
            #expect(report.newlyInitialized.isEmpty && report.unused.isEmpty)
            #expect(
                model.configuration.task == .embedding && model.configuration.embedding?.normalizes == true)
            let again = folder.appending(path: "again")
            try ModelWriter.save(model, to: again)
            let (second, _) = try AutoModel.load(from: again)
            for (own, other) in zip(model.parameters.entries, second.parameters.entries) {
                #expect(own.name == other.name)
                let (a, b): ([Float], [Float]) = (try own.tensor.array(), try other.tensor.array())
                #expect(a == b)
            }
            let config = try JSONValue.load(contentsOf: directory.appending(path: "config.json")).objectValue
            #expect(config?["architectures"] == ["BertModel"] && config?["id2label"] == nil)
            // What other programs read: the names of versions before 5.4.
            let pooling = try JSONValue.load(contentsOf: directory.appending(path: "1_Pooling/config.json"))
                .objectValue
            #expect(
                pooling?["pooling_mode_mean_tokens"] == true
                    && pooling?["word_embedding_dimension"]?.intValue == 32)
        }
    }

    @Test("modules of another width are refused, and so is a pooling that leaves out a prompt")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            let directory = try EmbeddingFixture.teacher(in: folder)
            try Data(#"{"word_embedding_dimension": 48, "pooling_mode_mean_tokens": true}"#.utf8).write(
                to: directory.appending(path: "1_Pooling/config.json"))
            #expect { try LoadedModel(directory) } throws: {
                "\($0)".contains("48") && "\($0)".contains("32")
            }
            try Data(
                #"{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true, "include_prompt": false}"#
                    .utf8
            ).write(to: directory.appending(path: "1_Pooling/config.json"))
            try Data(#"{"prompts": {"query": "query: "}, "default_prompt_name": "query"}"#.utf8).write(
                to: directory.appending(path: "config_sentence_transformers.json"))
            #expect { try LoadedModel(directory) } throws: { "\($0)".contains("include_prompt") }
        }
    }
}
