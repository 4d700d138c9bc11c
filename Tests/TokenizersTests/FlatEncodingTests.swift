import TestSupport
import Testing

@testable import Tokenizers

@Suite("Flat encodings")
struct FlatEncodingTests {
    private func joined(_ encodings: [Encoding], cutCount: Int = 0) -> FlatEncoding {
        var encoding = FlatEncoding(
            ids: encodings.flatMap(\.ids), typeIDs: encodings.flatMap(\.typeIDs),
            offsets: encodings.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) })
        encoding.cutCount = cutCount
        return encoding
    }

    private func texts(_ count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in FusionTests.text(using: &generator) }
    }

    @Test("hold what the encodings hold, on any number of threads", arguments: [nil, 1, 2, 3, 16])
    func equal(threads: Int?) throws {
        let texts = texts(301, seed: 51)
        for maxLength in [nil, 9] {
            let encodings = try texts.map { try Fixture.tokenizer.encode($0, maxLength: maxLength) }
            let flat = try Fixture.tokenizer.encodeFlat(batch: texts, maxLength: maxLength, threads: threads)
            let lengths = try texts.map { try Fixture.tokenizer.encode($0).count }
            let cut = lengths.count { $0 > maxLength ?? .max }
            #expect(flat == joined(encodings, cutCount: cut) && flat.count == 301)
            #expect((0..<301).allSatisfy { Array(flat[$0]) == encodings[$0].ids })
        }
        let plain = try Fixture.tokenizer.encodeFlat(batch: texts, addSpecialTokens: false, threads: threads)
        #expect(plain == joined(try texts.map { try Fixture.tokenizer.encode($0, addSpecialTokens: false) }))
        #expect(try Fixture.tokenizer.encodeFlat(batch: [String](), threads: threads) == joined([]))
        #expect(try Fixture.tokenizer.encodeFlat(batch: [""], threads: threads).offsets == [0, 2])
    }

    @Test("hold pairs with their type ids, cut at either side", arguments: [Side.left, .right])
    func pairs(side: Side) throws {
        let texts = texts(200, seed: 52)
        let pairs = texts.enumerated().map { TextPair($1, pair: $0 % 3 == 0 ? nil : texts[199 - $0]) }
        for maxLength in [nil, 12] {
            let encodings = try pairs.map {
                try Fixture.tokenizer.encode(
                    $0.text, pair: $0.pair, maxLength: maxLength, truncationSide: side)
            }
            let flat = try Fixture.tokenizer.encodeFlat(
                batch: pairs, maxLength: maxLength, truncationSide: side, threads: 2)
            let lengths = try pairs.map { try Fixture.tokenizer.encode($0.text, pair: $0.pair).count }
            let cut = lengths.count { $0 > maxLength ?? .max }
            #expect(flat == joined(encodings, cutCount: cut) && flat.typeIDs.contains(1))
        }
    }

    @Test("a batch throws the error of its first text that fails", arguments: [1, 4])
    func error(threads: Int) throws {
        let batch = (0..<40).map { TextPair(String(repeating: "the ", count: $0 + 1), pair: "of") }
        let alone = #expect(throws: TokenizerError.self) {
            try Fixture.tokenizer.encode("the the the the", pair: "of", maxLength: 7, truncation: .onlySecond)
        }
        let inBatch = #expect(throws: TokenizerError.self) {
            try Fixture.tokenizer.encodeFlat(
                batch: batch, maxLength: 7, truncation: .onlySecond, threads: threads)
        }
        #expect(inBatch == alone)
    }
}
