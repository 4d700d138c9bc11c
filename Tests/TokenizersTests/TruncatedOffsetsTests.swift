import Foundation
import JSON
import Testing

@testable import Tokenizers

/// Texts and pairs that are cut, with every post-processor; see scripts/fixtures/tokenizers_truncation.py.
@Suite("Truncation with offsets")
struct TruncatedOffsetsTests {
    /// FNV-1a of 32-bit numbers.
    private struct Hash {
        private var value: UInt64 = 0xCBF2_9CE4_8422_2325

        private mutating func add(_ number: Int32) {
            value = (value ^ UInt64(UInt32(bitPattern: number))) &* 0x100_0000_01B3
        }

        mutating func add(_ encoding: Encoding?) {
            guard let encoding else { return add(-1) }
            add(Int32(encoding.count))
            for id in encoding.ids { add(id) }
            for id in encoding.typeIDs { add(id) }
            for range in encoding.offsets {
                add(Int32(range.lowerBound))
                add(Int32(range.upperBound))
            }
        }

        var upperHalf: String {
            let hex = String(value >> 32, radix: 16)
            return String(repeating: "0", count: 8 - hex.count) + hex
        }
    }

    private func stage<Stage>(_ registry: StageRegistry<Stage>, _ value: JSONValue) throws -> Stage? {
        try registry.make(from: StageConfiguration(file: "golden", value: .object([registry.part: value])))
    }

    @Test("equals Hugging Face's at either side, by every strategy")
    func truncation() throws {
        let golden = try Fixture.json("stages/truncation.json")
        let stages = try Fixture.json("stages/combinations.json")
        let texts = stages["texts"].elements.map(\.text)
        let settings = try TokenizerSettings(directory: Fixture.directory.appending(path: "none"))
        let hashes = try #require(golden["hashes"].objectValue)
        var different: [String] = []
        for (name, expected) in hashes {
            let names = name.split(separator: " ").map(String.init)
            let parts = TokenizerParts(
                preTokenizer: try stage(.preTokenizers, stages["pre_tokenizers"][names[1]]),
                model: try #require(try stage(.models, stages["models"][names[2]])),
                postProcessor: try stage(.postProcessors, golden["post_processors"][names[0]])
                    ?? PlainPostProcessor(), addedTokens: [])
            let tokenizer = try Tokenizer(parts, settings, file: "golden")
            let cut = golden["settings"][names[3]]
            func encode(_ text: String, _ pair: String?, _ addSpecialTokens: Bool) -> Encoding? {
                try? tokenizer.encodeWithOffsets(
                    text, pair: pair, addSpecialTokens: addSpecialTokens,
                    maxLength: cut["max_length"].intValue,
                    truncation: TruncationStrategy(rawValue: cut["strategy"].text) ?? .longestFirst,
                    truncationSide: cut["direction"] == "left" ? .left : .right)
            }
            var hash = Hash()
            for (text, other) in zip(texts, texts.reversed()) {
                hash.add(encode(text, nil, true))
                hash.add(encode(text, other, true))
                hash.add(encode(text, other, false))
            }
            if hash.upperHalf != expected.text { different.append(name) }
        }
        #expect(hashes.count > 250 && different == [])
    }

    @Test("scores are read as Hugging Face reads them, to the last bit")
    func scores() throws {
        let scores = try Fixture.json("stages/unigram_scores.json").elements
        var changed = 0
        for pair in scores {
            let written = Double(bitPattern: try #require(UInt64(pair[0].text, radix: 16)))
            let read = try #require(UInt64(pair[1].text, radix: 16))
            #expect(UnigramScore.read(written).bitPattern == read, "\(written)")
            if written.bitPattern != read { changed += 1 }
        }
        #expect(scores.count > 300 && changed > 50)
    }
}
