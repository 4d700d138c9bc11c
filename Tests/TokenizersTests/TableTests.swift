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
}
