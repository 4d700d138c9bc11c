import TestSupport
import Testing

@testable import Tokenizers

/// WordPiece as it is defined, in quadratic time: at each place the longest token that fits.
struct LongestMatchFirst {
    private var ids: [[UInt8]: Int32] = [:]
    private let prefix: [UInt8]
    private let maximumLength: Int

    init(_ tokens: [String], prefix: String, maximumLength: Int) {
        for (id, token) in tokens.enumerated() { ids[Array(token.utf8)] = Int32(id) }
        self.prefix = Array(prefix.utf8)
        self.maximumLength = maximumLength
    }

    /// The tokens of a word; those of an unknown one are the first of the vocabulary.
    func tokenize(_ word: String) -> [Int32] {
        let characters = word.unicodeScalars.map { Array(String($0).utf8) }
        if characters.count > maximumLength { return [0] }
        var (start, found) = (0, [Int32]())
        while start < characters.count {
            var end = characters.count
            var token: Int32?
            while end > start {
                token = ids[(start > 0 ? prefix : []) + characters[start..<end].joined()]
                if token != nil { break }
                end -= 1
            }
            guard let token else { return [0] }
            found.append(token)
            start = end
        }
        return found
    }
}

/// The trie at once, for the words after some, or never.
private let works = [0, 40, Int.max]

@Suite("LinMaxMatch, and longest match on the vocabulary's table before it")
struct MaxMatchTests {
    private func word(_ alphabet: [String], _ lengths: ClosedRange<Int>, _ generator: inout SeededGenerator)
        -> String
    {
        (0..<Int.random(in: lengths, using: &generator)).map { _ in
            alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        }.joined()
    }

    private func ids(_ model: WordPiece, _ word: String) -> [Int32] {
        let ids = TokenBuffer(capacity: 1)
        var word = word
        word.withUTF8 { model.tokenize($0, words: [0..<$0.count], limit: .max, ModelWorkspace(), into: ids) }
        return Array(ids.elements)
    }

    @Test("equals longest match first with random vocabularies, words and prefixes")
    func randomVocabularies() throws {
        var generator = SeededGenerator(seed: 31)
        // Few letters make many failure links; é, è and 世, 丗 share their first bytes.
        let alphabets = [
            ["a"], ["a", "b"], ["a", "b", "c"], ["é", "è", "e"], ["世", "丗", "#"], ["a", "#", "\0"],
        ]
        let prefixes = ["##", "", "#", "a", "é", "###"]
        var (split, unknown) = (0, 0)
        for round in 0..<600 {
            let alphabet = alphabets[round % alphabets.count]
            let prefix = prefixes[Int.random(in: 0..<prefixes.count, using: &generator)]
            var tokens = ["[UNK]"]
            for _ in 0..<Int.random(in: 1...24, using: &generator) {
                let continues = Int.random(in: 0..<3, using: &generator) > 0
                let token = (continues ? prefix : "") + word(alphabet, 0...7, &generator)
                if !tokens.contains(where: { $0.utf8.elementsEqual(token.utf8) }) { tokens.append(token) }
            }
            let limit = Int.random(in: 0..<8, using: &generator) == 0 ? 5 : 100
            let reference = LongestMatchFirst(tokens, prefix: prefix, maximumLength: limit)
            let models = try works.map {
                try WordPiece(
                    vocabulary: Vocabulary(tokens.enumerated().map { ($1, $0) }, file: "vocab"),
                    continuingSubwordPrefix: prefix, maximumScalarsPerWord: limit, file: "vocab", work: $0)
            }
            for _ in 0..<60 {
                let word = word(alphabet, 0...16, &generator)
                let expected = reference.tokenize(word)
                for (work, model) in zip(works, models) {
                    #expect(
                        ids(model, word) == expected, "\(word.debugDescription) \(tokens) \(prefix) \(work)")
                }
                if expected == [0] { unknown += 1 } else if expected.count > 2 { split += 1 }
            }
        }
        #expect(split > 2000 && unknown > 2000)
    }

    @Test("equals longest match first on the small vocabulary's tokens, joined and cut")
    func realVocabulary() throws {
        var generator = SeededGenerator(seed: 32)
        let vocabulary = Fixture.tokenizer.model.vocabulary
        let tokens = (0..<Int32(vocabulary.count)).map { vocabulary.token(of: $0) ?? "" }
        let unknown = try #require(Fixture.tokenizer.model as? WordPiece).unknown
        let models = try works.map { try WordPiece(vocabulary: vocabulary, file: "vocab", work: $0) }
        let reference = LongestMatchFirst(tokens, prefix: "##", maximumLength: 100)
        for _ in 0..<1500 {
            var word = ""
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let token = tokens[Int.random(in: 0..<tokens.count, using: &generator)]
                let whole = token.hasPrefix("##") ? String(token.dropFirst(2)) : token
                word += String(
                    String.UnicodeScalarView(
                        whole.unicodeScalars.prefix(Int.random(in: 1...12, using: &generator))))
            }
            let expected = reference.tokenize(word).map { $0 == 0 ? unknown : $0 }
            for model in models { #expect(ids(model, word) == expected, "\(word)") }
        }
    }

    @Test("threads that split words while the trie is made get the same tokens")
    func threads() async throws {
        let vocabulary = Fixture.tokenizer.model.vocabulary
        let words = (0..<Int32(vocabulary.count)).map { (vocabulary.token(of: $0) ?? "") + "ing" }
        let trie = try WordPiece(vocabulary: vocabulary, file: "vocab", work: 0)
        let expected = words.map { ids(trie, $0) }
        for round in 0..<20 {
            let model = try WordPiece(vocabulary: vocabulary, file: "vocab", work: 1000 * round)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 { group.addTask { words.map { ids(model, $0) } == expected } }
                for await isSame in group { #expect(isSame) }
            }
        }
    }

    @Test("a vocabulary of one very long token takes memory and time in proportion")
    func longToken() throws {
        let length = 20_000
        let tokens = ["[UNK]", "a", "##a", String(repeating: "a", count: length)]
        let model = try WordPiece(
            vocabulary: Vocabulary(tokens.enumerated().map { ($1, $0) }, file: "vocab"),
            maximumScalarsPerWord: .max, file: "vocab")
        #expect(ids(model, String(repeating: "a", count: length)) == [3])
        #expect(ids(model, String(repeating: "a", count: length - 1)).count == length - 1)
        #expect(ids(model, String(repeating: "a", count: length + 2)) == [3, 2, 2])
        #expect(ids(model, String(repeating: "a", count: length - 1) + "b") == [0])
    }
}
