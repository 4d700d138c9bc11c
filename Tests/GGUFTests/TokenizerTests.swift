import Foundation
import JSON
import RegularExpressions
import TestSupport
import Testing
import Tokenizers

@testable import GGUF

@Suite struct TokenizerTests {
    @Test(arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2", "spm", "gemma"])
    func idsAreThoseOfTheVocabulary(name: String) throws {
        let expected = try Fixture.json("\(name).tokens.json")
        let texts = try #require(expected["texts"]?.arrayValue).compactMap(\.stringValue)
        let ids = try #require(expected["ids"]?.arrayValue)
        try withTemporaryDirectory { directory in
            try GGUFTokenizer(GGUFCheckpoint(file: Fixture.url("\(name).tokens.gguf"))).write(to: directory)
            let tokenizer = try Tokenizer.load(directory: directory)
            for (text, ids) in zip(texts, ids) {
                let found = try tokenizer.encode(text).ids.map { JSONValue.integer(Int($0)) }
                #expect(JSONValue.array(found) == ids, "\(text.debugDescription)")
            }
            #expect(texts.count == ids.count)
        }
    }

    @Test func settingsNameTheSpecialTokens() throws {
        let tokenizer = try GGUFTokenizer(GGUFCheckpoint(file: Fixture.url("llama-bpe.tokens.gguf")))
        #expect(tokenizer.configuration["bos_token"] == "<|start|>")
        #expect(tokenizer.configuration["eos_token"] == "<|end|>")
        #expect(tokenizer.configuration["add_bos_token"] == true)
        #expect(tokenizer.chatTemplate?.hasPrefix("{% for message in messages %}") == true)
        #expect(tokenizer.configuration["chat_template"] == tokenizer.chatTemplate.map(JSONValue.string))
        let added = tokenizer.tokenizer["added_tokens"]?.arrayValue ?? []
        #expect(added.map { $0.objectValue?["special"] } == [true, true, false])
    }

    @Test func damagedVocabulariesNameTheKey() throws {
        func expect(_ changes: [String: GGUFValue?], _ part: String) throws {
            try withTemporaryDirectory { directory in
                let file = directory.appending(path: "x.gguf")
                let plain = try GGUFFile(contentsOf: Fixture.url("gpt-2.tokens.gguf"))
                var metadata = plain.metadata.filter { changes[$0.key] == nil }
                for (key, value) in changes { if let value { metadata.append((key, value)) } }
                try GGUFWriter(metadata: metadata, tensors: []).write(to: file)
                ContainerTests.expectError(part) { try GGUFTokenizer(GGUFCheckpoint(file: file)) }
            }
        }
        let prefix = "tokenizer.ggml."
        try expect([prefix + "model": nil], "key \"tokenizer.ggml.model\": is missing")
        try expect(
            [prefix + "model": .string("bert")], "\"bert\" is not supported (supported are gpt2 and llama)")
        try expect([prefix + "pre": .string("tekken")], "\"tekken\" is not supported (supported are gpt-2")
        try expect([prefix + "tokens": .uint32(1)], "no list of texts")
        try expect(
            [prefix + "tokens": .array(.string(["a", "b", "a"]))],
            "tokens\": element 2, \"a\", is there twice")
        try expect([prefix + "token_type": .array(.int32([1]))], "must be a list of 341 numbers")
        try expect(
            [prefix + "token_type": .array(.int32([Int32](repeating: 9, count: 341)))], "element 0 is 9")
        try expect([prefix + "merges": nil], "merges\": is missing")
        try expect([prefix + "merges": .array(.string(["a b c"]))], "not two tokens with a space between")
        try expect([prefix + "merges": .array(.string(["qq ww"]))], "needs token \"qq\", which is no token")
        try expect([prefix + "bos_token_id": .uint32(341)], "must be the number of one of the 341 tokens")
        try expect([prefix + "add_bos_token": .uint32(1)], "must be a truth value")
        try expect(
            [prefix + "add_bos_token": .bool(true), prefix + "bos_token_id": nil], "is missing, but the token"
        )
        try expect([prefix + "model": .string("llama"), prefix + "merges": nil], "scores\": is missing")
        try expect(
            [prefix + "scores": .array(.float32([Float](repeating: .nan, count: 341)))], "not a finite number"
        )
    }
}
