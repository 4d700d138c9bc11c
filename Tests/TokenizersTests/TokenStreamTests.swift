import JSON
import TestSupport
import Testing

@testable import Tokenizers

@Suite("Text of tokens that come one by one")
struct TokenStreamTests {
    private static let texts = [
        "", " ", "  a", "Hello world", " leading", "日本語テキスト", "😀 👨‍👩‍👧 👍🏽", "é e\u{301} ½ ﬁ", "a\n\nb\t c ",
        "Привет мир",
    ]

    /// The decoders of models, and others.
    private static let decoders: [JSONValue] = [
        ["type": "ByteLevel"], ["type": "WordPiece", "prefix": "##", "cleanup": true],
        ["type": "ByteFallback"],
        ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true],
        ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true],
        ["type": "BPEDecoder", "suffix": "</w>"], ["type": "Fuse"],
        ["type": "Strip", "content": " ", "start": 1, "stop": 1],
        ["type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true],
        [
            "type": "Sequence",
            "decoders": [
                ["type": "Replace", "pattern": ["String": "▁"], "content": " "], ["type": "ByteFallback"],
                ["type": "Fuse"],
                ["type": "Strip", "content": " ", "start": 1, "stop": 0],
            ],
        ],
        [
            "type": "Sequence",
            "decoders": [
                ["type": "ByteFallback"], ["type": "Fuse"],
                ["type": "Strip", "content": "a", "start": 2, "stop": 2],
            ],
        ],
        [
            "type": "Sequence",
            "decoders": [["type": "ByteLevel"], ["type": "Strip", "content": " ", "start": 1, "stop": 3]],
        ],
        [
            "type": "Sequence",
            "decoders": [["type": "Fuse"], ["type": "Replace", "pattern": ["Regex": "a+"], "content": "b"]],
        ],
        ["type": "Sequence", "decoders": [["type": "Fuse"], ["type": "ByteLevel"]]],
        [
            "type": "Sequence",
            "decoders": [
                ["type": "ByteFallback"],
                ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true],
            ],
        ],
    ]

    private func check(_ tokenizer: Tokenizer, _ ids: [Int32], _ name: String) throws {
        for skips in [true, false] {
            let whole = try tokenizer.decode(ids, skipSpecialTokens: skips)
            var stream = try TokenStream(tokenizer, skipSpecialTokens: skips)
            var text: [UInt8] = []
            for id in ids {
                text += Array(try stream.append(id).utf8)
                // What is given is final.
                guard whole.utf8.starts(with: text) else { break }
            }
            text += Array(try stream.finish().utf8)
            #expect(
                text == Array(whole.utf8),
                "\(name): \(ids): \(whole.debugDescription) \(String(decoding: text, as: UTF8.self).debugDescription)"
            )
        }
    }

    @Test("is that of all tokens at once, with every decoder", arguments: FamilyTests.names)
    func families(name: String) throws {
        var generator = SeededGenerator(seed: 77)
        for (index, decoder) in ([nil] + Self.decoders.map(Optional.some)).enumerated() {
            let tokenizer =
                try decoder.map { try FamilyTests.load(name, decoder: $0) } ?? FamilyTests.load(name)
            for round in 0..<40 {
                let text = round < Self.texts.count ? Self.texts[round] : RandomText.make(using: &generator)
                try check(tokenizer, tokenizer.encode(text).ids, "\(name) \(index)")
                // Tokens that no text has in this order, bytes that are no UTF-8 among them.
                let ids = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                    Int32.random(in: 0...tokenizer.largestTokenID + 1, using: &generator)
                }
                try check(tokenizer, ids, "\(name) \(index)")
                let bytes = ids.map { $0 % 256 + 3 }
                try check(tokenizer, bytes, "\(name) \(index)")
            }
        }
    }

    @Test("never has half a character, and comes as early as it is final")
    func early() throws {
        let tokenizer = try FamilyTests.load("gpt2", decoder: ["type": "ByteLevel"])
        let ids = try tokenizer.encode("a🦥b").ids
        #expect(ids.count > 3)
        var stream = try TokenStream(tokenizer)
        let given = try ids.map { try stream.append($0) }
        #expect(given.joined() == "a🦥b" && given.allSatisfy { !$0.contains("\u{FFFD}") })
        #expect(try stream.finish() == "")
        var cut = try TokenStream(tokenizer)
        #expect(try ids.dropLast(2).map { try cut.append($0) }.joined() == "a")
        #expect(try cut.finish() == "\u{FFFD}")
        // Of SentencePiece's tokens, each is given with itself, and bytes with the token behind them.
        let pieces = try FamilyTests.load("llama", decoder: Self.decoders[9])
        var words = try TokenStream(pieces)
        let parts = try pieces.encode("the other", addSpecialTokens: false).ids.map { try words.append($0) }
        #expect(parts.joined() == "the other" && parts.last?.isEmpty == false)
    }

    @Test("is held back at the end of bytes exactly where a character may go on")
    func tails() {
        var generator = SeededGenerator(seed: 3)
        let interesting: [UInt8] = [
            0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
            0xF5, 0xFF,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...7, using: &generator)).map { _ in
                interesting.randomElement(using: &generator) ?? 0
            }
            var tail = UTF8Tail()
            var text = ""
            for byte in bytes { text += tail.take([byte]) }
            text += tail.finish()
            #expect(text.utf8.elementsEqual(String(decoding: bytes, as: UTF8.self).utf8), "\(bytes)")
        }
    }

    @Test("cannot begin with a decoder that is unknown")
    func unknown() throws {
        let tokenizer = try FamilyTests.load("gpt2", decoder: ["type": "Morse"])
        #expect(throws: TokenizerError.self) { try TokenStream(tokenizer) }
    }
}
