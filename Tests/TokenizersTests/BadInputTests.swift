import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

@Suite("Bad input gives one line that says what, where and what to do")
struct BadInputTests {
    private func message(_ body: () throws -> Tokenizer) -> String {
        var text = ""
        #expect(throws: (any Error).self) {
            do { _ = try body() } catch {
                text = "\(error)"
                throw error
            }
        }
        #expect(!text.contains("\n"), "\(text)")
        return text
    }

    private func load(_ files: [String: String]) -> String {
        message { try Fixture.withDirectory(files) { try Tokenizer.load(directory: $0) } }
    }

    private func changing(_ change: (inout JSONObject) -> Void) -> String {
        message { try Fixture.tokenizer(changing: change) }
    }

    @Test("directories that hold no tokenizer")
    func directories() {
        #expect(
            message { try Tokenizer.load(directory: URL(filePath: "/nowhere/model")) }.contains(
                "/nowhere/model: no such directory"))
        #expect(message { try Tokenizer.load(directory: URL(filePath: #filePath)) }.contains("is a file"))
        #expect(load([:]).contains("holds neither tokenizer.json nor vocab.txt"))
        #expect(load(["tokenizer.json": "{\"version\": "]).contains("tokenizer.json"))
        #expect(load(["tokenizer.json": "[]"]).contains("expected an object, found an array"))
        #expect(load(["tokenizer.json": "{}"]).contains("model: missing"))
        #expect(load(["vocab.txt": ""]).contains("is empty"))
        #expect(load(["vocab.txt": "the", "tokenizer_config.json": "7"]).contains("tokenizer_config.json"))
    }

    @Test("tokenizers of another type are named, with the types that are supported")
    func otherTypes() {
        let other = changing { $0["model"] = ["type": "Other", "vocab": [:]] }
        #expect(
            other.contains("model is of type \"Other\"")
                && other.contains("BPE, Unigram, WordLevel, WordPiece"))
        #expect(changing { $0["model"] = [:] }.contains("model.type: missing"))
        #expect(changing { $0["normalizer"] = ["type": "Other"] }.contains("BertNormalizer"))
        let inner = changing { $0["normalizer"] = ["type": "Sequence", "normalizers": [["type": "Other"]]] }
        #expect(inner.contains("normalizer.normalizers[0] is of type \"Other\"") && inner.contains("NFKC"))
        #expect(changing { $0["pre_tokenizer"] = ["type": "Other"] }.contains("BertPreTokenizer"))
        let processor = changing { $0["post_processor"] = ["type": "Other"] }
        #expect(
            processor.contains("BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing"))
        let unknown: JSONObject = ["type": "BPE", "vocab": ["a": 0], "merges": [["a", "b"]]]
        #expect(changing { $0["model"] = .object(unknown) }.contains("needs token \"b\""))
        let random: JSONObject = ["type": "BPE", "vocab": ["a": 0], "merges": [], "dropout": 0.1]
        #expect(changing { $0["model"] = .object(random) }.contains("model.dropout: 0.1"))
        let pattern: JSONValue = ["type": "Split", "pattern": ["Regex": "("], "behavior": "Isolated"]
        #expect(changing { $0["pre_tokenizer"] = pattern }.contains("pre_tokenizer.pattern.Regex"))
        let japanese = load([
            "vocab.txt": "[UNK]", "tokenizer_config.json": #"{"tokenizer_class": "BertJapaneseTokenizer"}"#,
        ])
        #expect(japanese.contains("BertJapaneseTokenizer") && japanese.contains("PreTrainedTokenizerFast"))
        #expect(changing { $0["version"] = "2.0" }.contains("version 1.0"))
    }

    @Test("an old file without the model's type is a WordPiece if it has its keys")
    func untypedWordPiece() throws {
        let tokenizer = try Fixture.tokenizer { $0.set("model", "type", to: nil) }
        #expect(try tokenizer.encode("the").ids == Fixture.tokenizer.encode("the").ids)
    }

    @Test("vocabularies that lack a token")
    func missingTokens() {
        #expect(load(["vocab.txt": "[CLS]\n[SEP]\nthe"]).contains("lacks the unknown token \"[UNK]\""))
        #expect(
            load(["vocab.txt": "[UNK]\n[SEP]\nthe"]).contains(
                "lacks \"[CLS]\"; add it, or name another as cls_token"))
        #expect(load(["vocab.txt": "[UNK]\n[CLS]\nthe"]).contains("sep_token"))
        let named = load([
            "vocab.txt": "[UNK]\n[CLS]\n[SEP]", "tokenizer_config.json": #"{"pad_token": "<pad>"}"#,
        ])
        #expect(named.contains("pad_token: \"<pad>\" is not in the vocabulary"))
        #expect(changing { $0.set("model", "unk_token", to: "<none>") }.contains("\"<none>\""))
        #expect(
            changing {
                $0["post_processor"] = [
                    "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 99_999],
                ]
            }.contains("99999"))
    }

    @Test("ids that contradict each other")
    func ids() {
        func vocabulary(_ entries: JSONObject) -> String {
            changing { $0.set("model", "vocab", to: .object(entries)) }
        }
        #expect(vocabulary(["[UNK]": 0, "a": 1, "b": 1]).contains("\"a\" and \"b\" both have id 1"))
        #expect(vocabulary(["[UNK]": 0, "a": -1]).contains("\"a\" has id -1"))
        #expect(vocabulary(["[UNK]": 0, "a": 2_147_483_648]).contains("32 bits"))
        #expect(vocabulary(["[UNK]": 0, "a": 1.5]).contains("expected a whole number, found a number"))
        #expect(vocabulary(["[UNK]": 0, "a\nb": "1"]).contains("\"a\\nb\""))
        func added(_ token: JSONObject) -> String { changing { $0["added_tokens"] = [.object(token)] } }
        #expect(added(["content": "the", "id": 3]).contains("is given the id 3"))
        #expect(added(["content": "brand new", "id": 1_000_000]).contains("is given the id 1000000"))
        #expect(added(["content": "\u{301}", "id": 0, "normalized": true]).contains("is given the id 0"))
        #expect(added(["content": "[PAD]"]).contains("added_tokens[0].id: missing"))
        let nothing = changing {
            $0["added_tokens"] = [
                ["content": "\u{301}\u{302}", "id": .integer($0["model"]?["vocab"].objectValue?.count ?? 0)]
            ]
        }
        #expect(nothing.contains("normalized to nothing"))
    }

    @Test("values of the wrong type are named by their path")
    func wrongTypes() {
        #expect(
            changing { $0.set("normalizer", "lowercase", to: "yes") }.contains(
                "normalizer.lowercase: expected a boolean, found a string"))
        #expect(
            changing { $0.set("normalizer", "clean_text", to: nil) }.contains(
                "normalizer.clean_text: missing"))
        #expect(changing { $0.set("model", "max_input_chars_per_word", to: -1) }.contains("at least 0"))
        #expect(
            changing { $0.set("model", "vocab", to: []) }.contains(
                "model.vocab: expected an object, found an array"))
        #expect(changing { $0["added_tokens"] = [1] }.contains("added_tokens[0]: expected an object"))
        #expect(
            changing { $0["truncation"] = ["max_length": 5, "strategy": "Half", "stride": 0] }.contains(
                "LongestFirst"))
        #expect(
            changing { $0["truncation"] = ["max_length": 5, "strategy": "OnlyFirst", "direction": "Up"] }
                .contains("left or right"))
        #expect(changing { $0["padding"] = ["strategy": "Longest"] }.contains("padding.strategy"))
        #expect(
            changing { $0.set("post_processor", "single", to: [["Sequence": ["id": "B", "type_id": 0]]]) }
                .contains("use A, or B in pairs"))
        #expect(
            changing {
                $0.set("post_processor", "pair", to: [["SpecialToken": ["id": "[EOS]", "type_id": 0]]])
            }.contains("special_tokens.[EOS]: missing"))
        #expect(
            load(["vocab.txt": "[UNK]", "tokenizer_config.json": #"{"model_max_length": "long"}"#]).contains(
                "model_max_length"))
        #expect(
            load(["vocab.txt": "[UNK]", "tokenizer_config.json": #"{"cls_token": 5}"#]).contains(
                "cls_token: expected a string, an object or null"))
        #expect(
            load(["vocab.txt": "[UNK]", "tokenizer_config.json": #"{"added_tokens_decoder": {"x": {}}}"#])
                .contains("token's id as key"))
    }

    @Test("a vocab.txt that is not UTF-8 names the line")
    func notUTF8() throws {
        let error = #expect(throws: TokenizerError.self) {
            try Fixture.withDirectory([:]) { directory in
                let bytes = Array("[UNK]\n[CLS]\n[SEP]\nca".utf8) + [0xE9, 0x0A]
                try Data(bytes).write(to: directory.appending(path: "vocab.txt"))
                return try Tokenizer.load(directory: directory)
            }
        }
        #expect(error?.description.contains("line 4: not UTF-8") == true)
    }
}
