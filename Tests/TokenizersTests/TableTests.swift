import TestSupport
import Testing

@testable import Tokenizers

@Suite("Tables")
struct TableTests {
    @Test("a byte table finds what it holds and nothing else")
    func byteTable() {
        var generator = SeededGenerator(seed: 21)
        for size in [0, 1, 7, 8, 9, 500] {
            var expected: [[UInt8]: Int32] = [:]
            for id in 0..<Int32(size) {
                let length = Int.random(in: 0...6, using: &generator)
                expected[(0..<length).map { _ in UInt8.random(in: 97...100, using: &generator) }] = id
            }
            let table = ByteTable(expected.map { ($0.key[...], $0.value) })
            #expect(table.longest == expected.keys.map(\.count).max() ?? 0)
            for _ in 0..<1000 {
                let length = Int.random(in: 0...7, using: &generator)
                let string = (0..<length).map { _ in UInt8.random(in: 97...100, using: &generator) }
                let hash = string.reduce(ByteTable.emptyHash) { ByteTable.hash($0, adding: $1) }
                let found = string.withUnsafeBufferPointer { string in
                    table.withReader { $0.id(of: string[...], hash: hash) }
                }
                #expect(found == expected[string] ?? ByteTable.notFound)
            }
        }
    }

    @Test("a scalar table gives back what was set last")
    func scalarTable() {
        var generator = SeededGenerator(seed: 22)
        var table = ScalarTable()
        var expected = [UInt32](repeating: 0, count: 0x110000)
        for _ in 0..<60 {
            let first = UInt32.random(in: 0..<0x110000, using: &generator)
            let last = min(first + UInt32.random(in: 0...3000, using: &generator), 0x10FFFF)
            let value = UInt32.random(in: 0...5, using: &generator)
            table.fill(value, from: first, through: last)
            for scalar in first...last { expected[Int(scalar)] = value }
            table.set(9, for: last)
            expected[Int(last)] = 9
        }
        let different = expected.indices.first { table[UInt32($0)] != expected[$0] }
        #expect(different == nil)
    }

    @Test("WordPiece takes the longest token that fits, and gives a word up as a whole")
    func wordPiece() throws {
        let tokens = ["[UNK]", "un", "##aff", "##able", "una", "##ff", "##a", "##é", "é", "##"]
        let vocabulary = try Vocabulary(tokens.enumerated().map { ($1, $0) }, file: "vocab")
        func ids(_ word: String, limit: Int = 100) throws -> [Int32] {
            let model = try WordPiece(vocabulary: vocabulary, maximumScalarsPerWord: limit, file: "vocab")
            var word = word
            let ids = TokenBuffer()
            word.withUTF8 {
                model.tokenize($0, words: [0..<$0.count], limit: .max, ModelWorkspace(), into: ids)
            }
            return Array(ids.elements)
        }
        #expect(try ids("unaffable") == [4, 5, 3])
        #expect(try ids("unaff") == [4, 5])
        #expect(try ids("unafé") == [0])  // "una", then nothing for "f"
        #expect(try ids("ééé") == [8, 7, 7])
        #expect(try ids("ééé", limit: 3) == [8, 7, 7])  // characters count, not bytes
        #expect(try ids("ééé", limit: 2) == [0])
        #expect(try ids("un##") == [0])
        #expect(throws: TokenizerError.self) {
            try WordPiece(vocabulary: vocabulary, unknownToken: "[unk]", file: "vocab")
        }
    }

    @Test("self-contained characters form no clusters, and no normal form makes white space of them")
    func selfContained() {
        var count = 0
        var wrong: [UInt32] = []
        for value: UInt32 in 0..<0x110000 where SelfContainedScalars.contains(value) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            count += 1
            var text = "a".unicodeScalars
            text.append(contentsOf: [scalar, scalar, "a", scalar, " ", scalar])
            let hasSpaces = CompatibilityDecomposition.decompose(value).contains {
                UnicodeTables.contains($0, in: UnicodeTables.whitespace)
            }
            let joins = CanonicalDecomposition.combiningClass(value) != 0 || String(text).count != 7
            if hasSpaces || joins || value < 0x80 { wrong.append(value) }
        }
        #expect(wrong.isEmpty && count > 20_000)
    }

    @Test("a word cache gives back what it was told last, or nothing")
    func wordCache() {
        var generator = SeededGenerator(seed: 71)
        let cache = WordCache()
        let ids = TokenBuffer(capacity: 1)
        var known: [String: [Int32]] = [:]
        var (found, missing) = (0, 0)
        for _ in 0..<20_000 {
            let length = Int.random(in: 1...WordCache.longest, using: &generator)
            let letters = (0..<length).map { _ in UInt8.random(in: 0x60...0x62, using: &generator) }
            // With text behind it, or at the end of what may be read.
            let bytes =
                letters + [UInt8](repeating: 0x7A, count: Int.random(in: 0...1, using: &generator) * 16)
            let mark = UInt64.random(in: 0...1, using: &generator)
            let name = "\(mark)" + String(decoding: letters, as: UTF8.self)
            bytes.withUnsafeBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return }
                let key = WordCache.Key(start, length, available: bytes.count, mark: mark)
                ids.count = 0
                if cache.append(key, to: ids) {
                    found += 1
                    #expect(Array(ids.elements) == known[name])
                } else {
                    missing += 1
                    let tokens = (0..<Int32.random(in: 0...4, using: &generator)).map { $0 * 7 }
                    for token in tokens { ids.append(token) }
                    cache.remember(key, ids, from: 0)
                    if tokens.count < 4 { known[name] = tokens }
                }
            }
        }
        #expect(found > 1000 && missing > 1000)
    }
}
