import JSON
import Testing

@testable import Tokenizers

@Suite("BertPreTokenizer")
struct PreTokenizerTests {
    private func split(_ text: String) -> [String] {
        var words: [Range<Int>] = []
        var text = text
        return text.withUTF8 { bytes in
            BertPreTokenizer().split(bytes, into: &words, TextBudget(bytes: bytes.count))
            return words.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    @Test("every Unicode scalar is white space, punctuation or neither, as Hugging Face has it")
    func everyScalar() throws {
        let golden = try Fixture.json("pre_tokenizer.json")
        var kinds = [UInt8](repeating: 0, count: 0x110000)
        for (kind, name) in [(1, "whitespace"), (2, "punctuation")] as [(UInt8, String)] {
            for range in golden[name].elements {
                for scalar in range.numbers[0]...range.numbers[1] { kinds[Int(scalar)] = kind }
            }
        }
        #expect(kinds.filter { $0 == 2 }.count > 700)
        let preTokenizer = BertPreTokenizer()
        var words: [Range<Int>] = []
        let budget = TextBudget(bytes: 8)
        for value: UInt32 in 0..<0x110000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = [0x61] + Array(UTF8.encode(scalar) ?? .init()) + [0x62]
            words.removeAll(keepingCapacity: true)
            bytes.withUnsafeBufferPointer { preTokenizer.split($0, into: &words, budget) }
            let end = bytes.count - 1
            let expected = [
                [0..<bytes.count], [0..<1, end..<bytes.count], [0..<1, 1..<end, end..<bytes.count],
            ]
            if words != expected[Int(kinds[Int(value)])] {
                Issue.record("U+\(String(value, radix: 16)): \(words)")
            }
        }
    }

    @Test("splits at white space and around punctuation")
    func splits() {
        #expect(split("") == [])
        #expect(split(" \t\n") == [])
        #expect(split("one  two") == ["one", "two"])
        #expect(split("don't!") == ["don", "'", "t", "!"])
        #expect(split("…a\u{3000}b。") == ["…", "a", "b", "。"])
    }
}
