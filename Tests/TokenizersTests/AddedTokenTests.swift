import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

@Suite("Added tokens")
struct AddedTokenTests {
    let golden: JSONValue

    init() throws { golden = try Fixture.json("added_tokens.json") }

    @Test("tokens of every combination of properties are found where Hugging Face finds them")
    func found() throws {
        let tokenizer = try Fixture.tokenizer { $0["added_tokens"] = golden["added_tokens"] }
        #expect(tokenizer.vocabularySize == golden["size"].intValue)
        #expect(golden["cases"].elements.count > 600)
        for example in golden["cases"].elements {
            #expect(
                try tokenizer.encode(example[0].text).ids == example[1].numbers, "\(example[0].serialized())")
        }
    }

    @Test("with split_special_tokens special tokens in the text are plain text")
    func splitSpecialTokens() throws {
        var file = try #require(try Fixture.json("small/tokenizer.json").objectValue)
        file["added_tokens"] = golden["added_tokens"]
        let tokenizer = try Fixture.withDirectory([
            "tokenizer.json": JSONValue.object(file).serialized(),
            "tokenizer_config.json": #"{"split_special_tokens": true}"#,
        ]) { try Tokenizer.load(directory: $0) }
        for example in golden["split_special_tokens"].elements {
            #expect(
                try tokenizer.encode(example[0].text).ids == example[1].numbers, "\(example[0].serialized())")
        }
    }

    @Test("a single-word token is not found beside the characters that Hugging Face calls part of a word")
    func wordCharacters() throws {
        var matcher = AddedTokenMatcher()
        var token = AddedToken(special: "<w>")
        token.singleWord = true
        matcher.insert(token, id: 0, pattern: Array("<w>".utf8))
        var isWord = [Bool](repeating: false, count: 0x110000)
        for range in try Fixture.json("word_characters.json").elements {
            for scalar in range.numbers[0]...range.numbers[1] { isWord[Int(scalar)] = true }
        }
        var (checked, different) = (0, [String]())
        for value: UInt32 in 0..<0x110000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            // Swift and Rust need not know the same newest characters; both know Unicode 15.
            guard let age = scalar.properties.age, age.major <= 15 else { continue }
            let text = Array("<w>".utf8) + Array(UTF8.encode(scalar) ?? .init())
            var segments: [AddedTokenMatcher.Segment] = []
            text.withUnsafeBufferPointer { matcher.split($0, into: &segments) }
            checked += 1
            if segments.contains(where: { $0.id != nil }) == isWord[Int(value)] {
                different.append(String(value, radix: 16))
            }
        }
        #expect(different == [])
        #expect(checked > 280_000)
    }

    @Test("of two tokens that are normalized to the same text the first counts")
    func sameWhenNormalized() throws {
        let tokenizer = try Fixture.tokenizer {
            let size = $0["model"]?["vocab"].objectValue?.count ?? 0
            $0["added_tokens"] = [
                ["content": "Qwx", "id": .integer(size), "special": false, "normalized": true],
                ["content": "qWx", "id": .integer(size + 1), "special": false, "normalized": true],
            ]
        }
        let first = try #require(tokenizer.tokenToID("Qwx"))
        #expect(try tokenizer.encode("qwx QWX", addSpecialTokens: false).ids == [first, first])
    }
}
