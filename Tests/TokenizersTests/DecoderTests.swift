import JSON
import RegularExpressions
import TestSupport
import Testing

@testable import Tokenizers

/// What decoders make of tokens; see scripts/fixtures/tokenizers_stages.py.
@Suite("Decoders")
struct DecoderTests {
    @Test("texts equal Hugging Face's, with special tokens and without", arguments: FamilyTests.names)
    func golden(name: String) throws {
        let golden = try Fixture.json("stages/decoders.json")
        let family = golden["families"][name]
        let ids = family["ids"].elements.map(\.numbers)
        #expect(ids.count > 40)
        for (decoder, texts) in try #require(family["texts"].objectValue) {
            let tokenizer = try FamilyTests.load(name, decoder: golden["decoders"][decoder])
            for (index, numbers) in ids.enumerated() {
                for (skips, place) in [(true, 0), (false, 1)] {
                    let text = try tokenizer.decode(numbers, skipSpecialTokens: skips)
                    let expected = texts[place][index].text
                    #expect(text.utf8.elementsEqual(expected.utf8), "\(name) \(decoder): \(numbers)")
                }
            }
        }
    }

    @Test("a tokenizer whose decoder is unknown or malformed encodes, and says so when it is to decode")
    func unknown() throws {
        for (decoder, part) in [
            (["type": "Morse"] as JSONValue, "\"Morse\""), (["type": "BPEDecoder"], "decoder.suffix"),
            (["type": "Strip", "content": "ab", "start": 1, "stop": 0], "decoder.content"),
            (["type": "Sequence", "decoders": [["type": "Fuse"], ["type": "Fused"]]], "\"Fused\""),
            ("Fuse", "decoder"),
        ] {
            let tokenizer = try FamilyTests.load("gpt2", decoder: decoder)
            #expect(try tokenizer.encode("a film").count > 0)
            let error = #expect(throws: TokenizerError.self) { try tokenizer.decode([1, 2]) }
            let text = error.map { "\($0)" } ?? ""
            #expect(
                text.contains(part) && text.hasPrefix("tokenizer.json: ") && !text.contains("\n"), "\(text)")
        }
    }

    @Test("a text goes through encoding and decoding unchanged where the tokenizer is byte-level")
    func roundTrip() throws {
        let tokenizer = try FamilyTests.load("llama3", decoder: ["type": "ByteLevel"])
        var generator = SeededGenerator(seed: 51)
        for _ in 0..<200 {
            let text = RandomText.make(using: &generator)
            let decoded = try tokenizer.decode(tokenizer.encode(text).ids)
            #expect(decoded.utf8.elementsEqual(text.utf8))
        }
    }

    @Test("BERT's vocab.txt has BERT's decoder")
    func vocabularyFile() throws {
        try Fixture.withDirectory(["vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfilm\n##s\n.\n"]) {
            let tokenizer = try Tokenizer.load(directory: $0)
            #expect(try tokenizer.decode(tokenizer.encode("A film, films .").ids) == "a film films.")
            #expect(try tokenizer.decode([2, 5, 99, 3], skipSpecialTokens: false) == "[CLS] a [SEP]")
        }
    }
}
