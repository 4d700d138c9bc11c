import Files
import Foundation
import JSON
import TestSupport
import Testing

@testable import Tokenizers

/// Texts that are already split into words; see scripts/fixtures/tokenizers_words.py.
@Suite("Words")
struct WordEncodingTests {
    /// `TOKENIZER_WORDS` may name a directory with more cases.
    private static let directory =
        ProcessInfo.processInfo.environment["TOKENIZER_WORDS"].map { URL(filePath: $0) }
        ?? Fixture.directory.appending(path: "words")

    /// Numbers that were written without the zeros at their end.
    private func filled(_ numbers: [Int32], _ count: Int) -> [Int32] {
        numbers + Array(repeating: 0, count: max(0, count - numbers.count))
    }

    @Test("ids, type ids, word numbers and offsets equal Hugging Face's", arguments: FamilyTests.names)
    func golden(name: String) throws {
        try compare(name, file: "\(name).json", addsPrefixSpace: true)
    }

    @Test("and so they do where files decide about spaces", arguments: ["roberta", "gpt2", "modernbert"])
    func plain(name: String) throws {
        try compare(name, file: "plain/\(name).json", addsPrefixSpace: false)
    }

    private func compare(_ name: String, file: String, addsPrefixSpace: Bool) throws {
        let tokenizer = try FamilyTests.load(name)
        let cases = try JSONValue.load(contentsOf: Self.directory.appending(path: file)).elements
        #expect(cases.count >= 100)
        let lists = cases.map { $0[0].elements.map(\.text) }
        let batch = try tokenizer.encode(wordLists: lists, addsPrefixSpace: addsPrefixSpace, threads: 2)
        var different = 0
        for ((example, words), encoding) in zip(zip(cases, lists), batch) where different < 5 {
            let count = encoding.count
            let flat = encoding.offsets.flatMap { [Int32($0.lowerBound), Int32($0.upperBound)] }
            let isEqual =
                encoding.ids == example[1].numbers
                && encoding.typeIDs == filled(example[2].numbers, count)
                && encoding.wordIndices.map { Int32($0 ?? -1) } == example[3].numbers
                && flat == filled(example[4].numbers, 2 * count)
            if !isEqual || encoding.wordCount != words.count {
                different += 1
                Issue.record("\(example.serialized()): \(encoding)")
            }
            #expect(try tokenizer.encode(words: words, addsPrefixSpace: addsPrefixSpace) == encoding)
        }
    }

    @Test("a byte-level tokenizer takes each word as one after a space, whatever its file says")
    func prefixSpace() throws {
        let tokenizer = try FamilyTests.load("roberta")
        let plain = try tokenizer.encodeWithOffsets(" the", addSpecialTokens: false)
        let words = try tokenizer.encode(words: ["the", "the"], addSpecialTokens: false)
        #expect(words.ids == plain.ids + plain.ids)
        #expect(words.offsets.first?.lowerBound == 0 && words.offsets.last?.upperBound == 3)
        // Texts are encoded as before.
        #expect(try tokenizer.encode("the", addSpecialTokens: false).ids != plain.ids)
    }

    @Test("without special tokens there are the words' alone")
    func withoutSpecialTokens() throws {
        for name in FamilyTests.names {
            let tokenizer = try FamilyTests.load(name)
            let words = ["Some", "words", "\u{7}", "here"]
            let plain = try tokenizer.encode(words: words, addSpecialTokens: false)
            let framed = try tokenizer.encode(words: words)
            #expect(!plain.wordIndices.contains(nil))
            #expect(zip(framed.ids, framed.wordIndices).filter { $0.1 != nil }.map(\.0) == plain.ids)
        }
    }

    @Test("an error names the word of a text, or the text of a batch")
    func errors() throws {
        let replacement = String(repeating: "x", count: 2000)
        let tokenizer = try Fixture.tokenizer { file in
            file["normalizer"] = [
                "type": "Replace", "pattern": ["String": "a"], "content": .string(replacement),
            ]
        }
        let long = String(repeating: "a", count: 1000)
        func index(_ body: () throws -> Void) -> Int? {
            do { try body() } catch { return (error as? TokenizerError)?.textIndex }
            return nil
        }
        #expect(index { _ = try tokenizer.encode(words: ["b", "b", long]) } == 2)
        #expect(index { _ = try tokenizer.encode(wordLists: [["b"], ["b", "b", long]]) } == 1)
    }

    // MARK: - Windows

    /// Words with random numbers of tokens, between added ones.
    private func random(using generator: inout SeededGenerator) -> WordEncoding {
        var encoding = WordEncoding(wordCount: Int.random(in: 0...30, using: &generator))
        let longest = Int.random(in: 0...9, using: &generator)
        let (before, behind) = (
            Int.random(in: 0...2, using: &generator), Int.random(in: 0...2, using: &generator)
        )
        for index in 0..<before { encoding.append(special: Int32(1000 + index), typeID: 7) }
        for word in 0..<encoding.wordCount {
            for token in 0..<Int.random(in: 0...longest, using: &generator) {
                encoding.ids.append(Int32(encoding.count))
                encoding.typeIDs.append(1)
                encoding.wordIndices.append(word)
                encoding.offsets.append(token..<token + 1)
            }
        }
        for index in 0..<behind { encoding.append(special: Int32(2000 + index), typeID: 8) }
        return encoding
    }

    /// The window that owns a word by the definition: the richest at its poorer side, the first of equal ones.
    private func owner(of word: Int, _ windows: [WordWindow]) -> Int? {
        var best: (window: Int, context: Int)?
        for (index, window) in windows.enumerated() {
            let places = window.wordIndices.indices.filter { window.wordIndices[$0] == word }
            guard let first = places.first, let last = places.last else { continue }
            let inner = window.wordIndices.indices.filter { window.wordIndices[$0] != nil }
            let context = min(first - (inner.first ?? 0), (inner.last ?? 0) - last)
            if best.map({ context > $0.context }) ?? true { best = (index, context) }
        }
        return best?.window
    }

    @Test("windows hold whole words, own each once, and repeat no more than the stride")
    func windows() throws {
        var generator = SeededGenerator(seed: 5)
        var several = 0
        for _ in 0..<3000 {
            let encoding = random(using: &generator)
            let added = encoding.wordIndices.count { $0 == nil }
            let room = Int.random(in: 1...14, using: &generator)
            let stride = Int.random(in: 0..<room, using: &generator)
            let windows = try encoding.windows(maxLength: room + added, stride: stride)
            if windows.count > 1 { several += 1 }
            #expect(windows.flatMap { Array($0.owned) } == Array(0..<encoding.wordCount))
            for (index, window) in windows.enumerated() {
                try check(window, of: encoding, added: added, room: room)
                if index > 0 {
                    #expect(windows[index - 1].tokens.upperBound - window.tokens.lowerBound <= stride)
                    #expect(!window.owned.isEmpty)
                }
                for word in window.owned where encoding.wordIndices.contains(word) {
                    #expect(owner(of: word, windows) == index)
                }
            }
        }
        #expect(several > 1000)
    }

    private func check(_ window: WordWindow, of encoding: WordEncoding, added: Int, room: Int) throws {
        #expect(window.ids.count <= room + added && window.ids.count == window.wordIndices.count)
        #expect(window.typeIDs.count == window.ids.count && window.tokens.count == window.ids.count - added)
        let special = zip(window.ids, window.wordIndices).filter { $0.1 == nil }.map(\.0)
        #expect(special == zip(encoding.ids, encoding.wordIndices).filter { $0.1 == nil }.map(\.0))
        let inner = zip(window.ids, window.wordIndices).filter { $0.1 != nil }.map(\.0)
        #expect(inner == Array(encoding.ids[window.tokens]))
        // Each word that it holds is whole, or cut because nothing else has room.
        for word in Set(window.wordIndices.compactMap(\.self)) {
            let all = zip(encoding.ids, encoding.wordIndices).filter { $0.1 == word }.map(\.0)
            #expect(
                zip(window.ids, window.wordIndices).filter { $0.1 == word }.map(\.0)
                    == Array(all.prefix(room)))
        }
        #expect(window.positions.count == window.owned.count)
        for (word, position) in zip(window.owned, window.positions) {
            #expect(position == window.wordIndices.firstIndex(of: word))
        }
    }

    @Test("a window of everything is the encoding itself")
    func oneWindow() throws {
        let encoding = try FamilyTests.load("bert").encode(words: ["One", "", "two", "three"])
        let windows = try encoding.windows(maxLength: 100, stride: 10)
        #expect(windows.count == 1 && windows[0].ids == encoding.ids && windows[0].owned == 0..<4)
        #expect(windows[0].wordIndices == encoding.wordIndices)
        #expect(windows[0].positions[1] == nil)
    }

    @Test("texts without words or tokens have one window")
    func noWords() throws {
        let tokenizer = try FamilyTests.load("bert")
        for words in [[], ["", "\u{7}"]] {
            let encoding = try tokenizer.encode(words: words)
            let windows = try encoding.windows(maxLength: 3, stride: 0)
            #expect(windows.count == 1 && windows[0].ids == encoding.ids)
            #expect(windows[0].positions == words.map { _ in nil })
        }
    }

    @Test("a length without room and a stride that fills a window are refused")
    func refusals() throws {
        let encoding = try FamilyTests.load("bert").encode(words: ["One"])
        #expect(throws: TokenizerError.self) { try encoding.windows(maxLength: 2, stride: 0) }
        #expect(throws: TokenizerError.self) { try encoding.windows(maxLength: 6, stride: 4) }
        #expect(throws: TokenizerError.self) { try encoding.windows(maxLength: 6, stride: -1) }
    }

    @Test("windows of a long text take linear time")
    func longText() throws {
        var encoding = WordEncoding(wordCount: 300_000)
        for word in 0..<encoding.wordCount {
            encoding.ids.append(1)
            encoding.typeIDs.append(0)
            encoding.wordIndices.append(word)
            encoding.offsets.append(0..<1)
        }
        let windows = try encoding.windows(maxLength: 128, stride: 32)
        #expect(windows.reduce(0) { $0 + $1.owned.count } == encoding.wordCount)
    }
}
