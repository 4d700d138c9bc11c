import Files
import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

/// Tokenizers with the tokens that static models keep, held to those of model2vec (`scripts/fixtures/static_models.py`).
@Suite("Vocabularies of static models")
struct StaticVocabularyTests {
    private static let fixture = FamilyTests.directory.deletingLastPathComponent().appending(
        path: "static.json")

    private static let names = ["bert", "mpnet", "roberta", "xlmr", "albert", "wordlevel", "gpt2"]

    private static func directory() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "distill-static-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    /// Writes a tokenizer of the families' tests into a directory.
    private func write(_ name: String, _ configuration: JSONValue, to directory: URL) throws {
        let file = FamilyTests.directory.appending(path: "\(name).json")
        let value = try StageFixture.withCharsmap(JSONValue.load(contentsOf: file))
        try AtomicFile.write(value.serialized(), to: directory.appending(path: "tokenizer.json"))
        try AtomicFile.write(
            configuration.serialized(), to: directory.appending(path: "tokenizer_config.json"))
    }

    @Test("tokens that stay, in their order, and the ids of texts", arguments: names)
    func kept(name: String) throws {
        let fixture = try #require(try JSONValue.load(contentsOf: Self.fixture).objectValue)
        let cases = fixture["tokenizers"]?.arrayValue?.compactMap(\.objectValue) ?? []
        let own = try #require(cases.first { $0["name"]?.stringValue == name })
        let scratch = try Self.directory()
        defer { try? FileManager.default.removeItem(at: scratch) }
        try write(name, try #require(own["config"]), to: scratch)
        let vocabulary = try StaticVocabulary(directory: scratch, expressions: ICURegularExpressions())
        let whole = try Tokenizer.load(directory: scratch)
        let tokens = try #require(own["tokens"]?.arrayValue).compactMap(\.stringValue)
        #expect(vocabulary.keptIDs.compactMap(whole.idToToken) == tokens)
        #expect(
            vocabulary.unknownRow.map { tokens[$0] } == own["config"]?.objectValue?["unk_token"]?.stringValue)

        let other = try Self.directory()
        defer { try? FileManager.default.removeItem(at: other) }
        try AtomicFile.write(vocabulary.file, to: other.appending(path: "tokenizer.json"))
        let reduced = try Tokenizer.load(directory: other)
        let texts = try #require(fixture["texts"]?.arrayValue).compactMap(\.stringValue)
        let expected = try #require(own["ids"]?.arrayValue).map {
            ($0.arrayValue ?? []).compactMap(\.intValue)
        }
        for (text, ids) in zip(texts, expected) {
            let encoding = try reduced.encodeFlat(batch: [text], addSpecialTokens: false)
            #expect(encoding.ids.map(Int.init) == ids, "\(text)")
        }
    }

    @Test("what the encoder reads of a token: its old id between the special tokens of a text")
    func inputs() throws {
        let scratch = try Self.directory()
        defer { try? FileManager.default.removeItem(at: scratch) }
        try write("bert", ["pad_token": "[PAD]"], to: scratch)
        let vocabulary = try StaticVocabulary(directory: scratch, expressions: nil)
        let whole = try Tokenizer.load(directory: scratch)
        let (first, last) = (try #require(whole.clsTokenID), try #require(whole.sepTokenID))
        let row = 3
        #expect(vocabulary.input(row: row) == [first, vocabulary.keptIDs[row], last])
        #expect(vocabulary.inputLength == 3)
        // [CLS], [SEP] and [MASK] have no vector.
        #expect(vocabulary.count == vocabulary.originalCount - 3)
        #expect(vocabulary.keptIDs.allSatisfy { $0 != first && $0 != last && $0 != whole.maskTokenID })
    }

    @Test(
        "`[unused0]` and its like",
        arguments: [
            ("[unused0]", true), ("[unused993]", true), ("[unused]", false), ("[unused1", false),
            ("unused1]", false),
            ("[unused1]s", true), ("a[unused1]", false),
        ])
    func unused(token: String, isUnused: Bool) {
        #expect(ReducedTokenizer.isUnused(Array(token.utf8)) == isUnused)
    }

    @Test("a directory without tokenizer.json, and one without ordinary tokens, are errors that say so")
    func refused() throws {
        let scratch = try Self.directory()
        defer { try? FileManager.default.removeItem(at: scratch) }
        try AtomicFile.write(
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n", to: scratch.appending(path: "vocab.txt"))
        let missing = #expect(throws: TokenizerError.self) {
            try StaticVocabulary(directory: scratch, expressions: nil)
        }
        #expect(
            missing?.description.contains("has no tokenizer.json, by which static models are read") == true)
        try AtomicFile.write(
            #"""
            {"added_tokens": [], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"[unused0]": 0, "[unused1]": 1}, "unk_token": "[unused0]"}}
            """#, to: scratch.appending(path: "tokenizer.json"))
        try AtomicFile.write(
            #"{"tokenizer_class": "PreTrainedTokenizerFast"}"#,
            to: scratch.appending(path: "tokenizer_config.json"))
        let empty = #expect(throws: TokenizerError.self) {
            try StaticVocabulary(directory: scratch, expressions: nil)
        }
        #expect(empty?.description.contains("all of its tokens are special ones") == true)
    }
}
