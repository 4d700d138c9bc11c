import JSON
import Testing

@testable import Tokenizers

@Suite("Encoding texts")
struct EncodeTests {
    let golden: JSONValue

    init() throws { golden = try Fixture.json("encodings.json") }

    private func variant(_ change: (inout JSONObject) -> Void) throws -> Tokenizer {
        try Fixture.tokenizer(changing: change)
    }

    private func expectIDs(_ name: String, _ tokenizer: Tokenizer, atLeast count: Int) throws {
        let cases = golden[name].elements
        #expect(cases.count >= count)
        for example in cases {
            #expect(
                try tokenizer.encode(example[0].text).ids == example[1].numbers, "\(example[0].serialized())")
        }
    }

    @Test("ids, type ids and masks equal Hugging Face's on texts that have broken tokenizers")
    func trouble() throws {
        #expect(golden["trouble"].elements.count > 60)
        for example in golden["trouble"].elements {
            #expect(
                try Fixture.tokenizer.encode(example[0].text) == example.encoding(at: 1),
                "\(example[0].serialized())")
        }
    }

    @Test("ids equal Hugging Face's on 2,000 random texts")
    func fuzzed() throws { try expectIDs("fuzzed", Fixture.tokenizer, atLeast: 2000) }

    @Test("ids equal Hugging Face's without lower-casing")
    func cased() throws {
        let cased = try variant { $0.set("normalizer", "lowercase", to: false) }
        try expectIDs("trouble_cased", cased, atLeast: 60)
        try expectIDs("fuzzed_cased", cased, atLeast: 300)
    }

    @Test("ids equal Hugging Face's with another max_input_chars_per_word")
    func shortWords() throws {
        let short = try variant { $0.set("model", "max_input_chars_per_word", to: 5) }
        try expectIDs("trouble_short", short, atLeast: 60)
    }

    @Test("ids equal Hugging Face's with an empty continuing_subword_prefix")
    func unprefixed() throws {
        let unprefixed = try variant { $0.set("model", "continuing_subword_prefix", to: "") }
        try expectIDs("trouble_unprefixed", unprefixed, atLeast: 60)
    }

    @Test("pairs equal Hugging Face's, with and without special tokens")
    func pairs() throws {
        #expect(golden["pairs"].elements.count > 200)
        for (name, special) in [("pairs", true), ("plain_pairs", false)] {
            for example in golden[name].elements {
                let encoding = try Fixture.tokenizer.encode(
                    example[0].text, pair: example[1].text, addSpecialTokens: special)
                #expect(
                    encoding == example.encoding(at: 2),
                    "\(example[0].serialized()) \(example[1].serialized())")
            }
        }
    }

    @Test("BertProcessing gives what the same template gives")
    func bertProcessing() throws {
        let bert = try variant {
            $0["post_processor"] = ["type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]]
        }
        for example in golden["pairs"].elements.prefix(40) {
            #expect(try bert.encode(example[0].text, pair: example[1].text) == example.encoding(at: 2))
        }
        let plain = try bert.encode("the", pair: "of", addSpecialTokens: false)
        #expect(plain.typeIDs == [0, 1] && plain.specialTokensMask == [0, 0])
    }

    @Test("a tokenizer without normalizer, pre-tokenizer and post-processor takes a text as one word")
    func stagesMissing() throws {
        let bare = try variant {
            $0["normalizer"] = .null
            $0["pre_tokenizer"] = .null
            $0["post_processor"] = .null
        }
        let ab = try #require(bare.tokenToID("a b"))
        #expect(try bare.encode("a b").ids == [ab])
        #expect(try bare.encode("").ids == [])
        #expect(try bare.encode("a b", pair: "a b").typeIDs == [0, 1])
    }

    @Test("tokens are told apart by their bytes, not by what Swift calls equal")
    func canonicallyEquivalentTokens() throws {
        let cased = try variant { $0.set("normalizer", "lowercase", to: false) }
        let composed = try #require(cased.tokenToID("caf\u{E9}"))
        let decomposed = try #require(cased.tokenToID("cafe\u{301}"))
        #expect(composed != decomposed)
        #expect(
            try cased.encode("caf\u{E9} cafe\u{301}", addSpecialTokens: false).ids == [composed, decomposed])
    }

    @Test("a text too long for the model is not cut unless asked")
    func long() throws {
        let text = Array(repeating: "the", count: 5000).joined(separator: " ")
        #expect(try Fixture.tokenizer.encode(text).count == 5002)
        #expect(try Fixture.tokenizer.encode(text, maxLength: 512).count == 512)
    }

    @Test(
        "a batch gives the same as one text at a time, on any number of threads",
        arguments: [nil, 1, 2, 3, 16])
    func batch(threads: Int?) throws {
        let texts = golden["fuzzed"].elements.prefix(301).map(\.[0].text)
        let pairs = texts.enumerated().map { TextPair($1, pair: $0 % 3 == 0 ? texts[300 - $0] : nil) }
        let expected = try pairs.map { try Fixture.tokenizer.encode($0.text, pair: $0.pair, maxLength: 20) }
        #expect(try Fixture.tokenizer.encode(batch: pairs, maxLength: 20, threads: threads) == expected)
        #expect(
            try Fixture.tokenizer.encode(batch: Array(texts), threads: threads)
                == texts.map { try Fixture.tokenizer.encode($0) })
        #expect(try Fixture.tokenizer.encode(batch: [String](), threads: threads) == [])
    }

    @Test("a batch throws the error of its first text that fails", arguments: [1, 4])
    func batchError(threads: Int) throws {
        let batch = (0..<40).map { TextPair(String(repeating: "the ", count: $0 + 1), pair: "of") }
        let alone = #expect(throws: TokenizerError.self) {
            try Fixture.tokenizer.encode("the the the the", pair: "of", maxLength: 7, truncation: .onlySecond)
        }
        let inBatch = #expect(throws: TokenizerError.self) {
            try Fixture.tokenizer.encode(
                batch: batch, maxLength: 7, truncation: .onlySecond, threads: threads)
        }
        #expect(inBatch == alone)
    }
}
