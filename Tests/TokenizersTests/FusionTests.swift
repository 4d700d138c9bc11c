import JSON
import TestSupport
import Testing

@testable import Tokenizers

/// The pass that splits into words and tokens at once must give what the two stages give one after the other.
@Suite("Splitting in one pass")
struct FusionTests {
    /// Stretches of text of every kind that the pass tells apart.
    private static let pieces = [
        "the", "of", "The", "film", "movies", "unbelievably", "x", "1", "2024", "abcdefg", "abcdefgh",
        "abcdefghi", "internationalisation", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaa",
        " ", "  ", "        ", "\t", "\n", "\r\n", "\u{0B}", "\u{0C}", "\0", "\u{01}", "\u{1F}", "\u{7F}",
        "\u{80}", "\u{85}", "\u{A0}", "\u{200B}", "\u{200D}", "\u{FEFF}", "\u{FFFD}", "\u{3000}",
        ".", ",", "!", "'", "’", "…", "—", "@", "[", "]", "`", "{", "~", "/", ":", "#", "##", "[MASK]",
        "[SEP", "[CLS]",
        "é", "É", "e\u{301}", "ñ", "ß", "İ", "世", "界", "中文", "한국", "あ", "😀", "👩‍💻", "\u{1B44}\u{302E}",
    ]

    static func text(using generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...14, using: &generator) {
            text += pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            if Int.random(in: 0..<3, using: &generator) == 0 { text += " " }
        }
        if Int.random(in: 0..<4, using: &generator) == 0 { text += RandomText.make(using: &generator) }
        guard Int.random(in: 0..<3, using: &generator) == 0 else { return text }
        // Any bytes; what is not UTF-8 is mended.
        var bytes = Array(text.utf8)
        for _ in 0..<3 where !bytes.isEmpty {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                in: 0...255, using: &generator)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func twoStages(_ text: String, _ model: WordPiece, limit: Int) -> [Int32] {
        var text = text
        return text.withUTF8 { text in
            var words: [Range<Int>] = []
            BertPreTokenizer().split(text, into: &words, TextBudget(bytes: text.count))
            let ids = TokenBuffer(capacity: 1)
            model.tokenize(text, words: words, limit: limit, ModelWorkspace(), into: ids)
            return Array(ids.elements)
        }
    }

    @Test(
        "equals pre-tokenizer and model, on normalized text and on text as it is",
        arguments: [100, 15, 8, 7, 3, 1, 0])
    func twoStages(maximumLength: Int) throws {
        var generator = SeededGenerator(seed: 41)
        let vocabulary = Fixture.tokenizer.model.vocabulary
        let model = try WordPiece(
            vocabulary: vocabulary, maximumScalarsPerWord: maximumLength, file: "vocab")
        let splitter = BertWordPiece(BertPreTokenizer(), model)
        let buffer = ByteBuffer(capacity: 1)
        for round in 0..<1000 {
            var text = Self.text(using: &generator)
            if round % 2 == 0 {
                let normalized = ByteBuffer(capacity: 1)
                text.withUTF8 { BertNormalizer().normalize($0, into: normalized) }
                text = String(decoding: normalized.bytes, as: UTF8.self)
            }
            let limit = round % 5 == 0 ? Int.random(in: 0...6, using: &generator) : .max
            let ids = TokenBuffer(capacity: 1)
            buffer.count = 0
            text.withUTF8 { if let start = $0.baseAddress { buffer.append(start, count: $0.count) } }
            buffer.pad()
            splitter.tokenize(buffer.bytes, limit: limit, into: ids)
            #expect(
                Array(ids.elements) == twoStages(text, model, limit: limit),
                "\(text.debugDescription) \(limit)")
        }
    }

    @Test("eight bytes at a time are told apart as one at a time")
    func eightBytes() {
        var generator = SeededGenerator(seed: 42)
        let edges: [UInt8] = [
            0, 0x1F, 0x20, 0x2F, 0x30, 0x39, 0x3A, 0x40, 0x41, 0x5A, 0x5B, 0x60, 0x61, 0x7A, 0x7B, 0x7E, 0x7F,
            0x80, 0xFF,
        ]
        for round in 0..<2_000 {
            let bytes = (0..<8).map { _ in
                round % 2 == 0
                    ? edges[Int.random(in: 0..<edges.count, using: &generator)]
                    : UInt8.random(in: round % 4 == 1 ? 0x30...0x7A : 0...255, using: &generator)
            }
            let eight = bytes.withUnsafeBufferPointer { $0.baseAddress.map(EightBytes.load) ?? 0 }
            let isPlain = { (byte: UInt8) in
                byte < 0x80
                    && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
            }
            #expect(EightBytes.leadingAlphanumerics(eight) == bytes.prefix(while: isPlain).count)
            let isPrintable = bytes.allSatisfy { (0x20...0x7E).contains($0) }
            #expect(EightBytes.isPrintable(eight) == isPrintable)
            let lower = String(decoding: bytes, as: UTF8.self).lowercased()
            if isPrintable {
                #expect(
                    (0..<8).map { EightBytes.byte(EightBytes.lowercased(eight), $0) } == Array(lower.utf8))
            }
            for count in 0..<8 {
                let prefix = EightBytes.prefix(eight, count)
                #expect(
                    (0..<8).map { EightBytes.byte(prefix, $0) } == bytes.prefix(count)
                        + Array(repeating: 0, count: 8 - count))
            }
        }
    }
}
