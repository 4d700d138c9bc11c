import JSON
import TestSupport
import Testing

@testable import Tokenizers

@Suite("BertNormalizer")
struct NormalizerTests {
    /// - Parameter work: 0 for the table at once; as many bytes as there can be for the steps alone.
    private func normalizer(_ golden: JSONValue, work: Int) -> BertNormalizer {
        let options = golden["options"]
        return BertNormalizer(
            cleanText: options["clean_text"] == true,
            handleChineseChars: options["handle_chinese_chars"] == true,
            stripAccents: options["strip_accents"].boolValue, lowercase: options["lowercase"] == true,
            work: work)
    }

    private func normalize(_ text: String, _ normalizer: BertNormalizer) -> [UInt8] {
        let output = ByteBuffer(capacity: 1)
        var text = text
        text.withUTF8 { normalizer.normalize($0, into: output) }
        return Array(output.bytes)
    }

    private func digest(_ bytes: [UInt8]) -> String {
        let value = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let hex = String(value >> 32, radix: 16)
        return String(repeating: "0", count: 8 - hex.count) + hex
    }

    @Test("does to every Unicode scalar what Hugging Face does", arguments: 0..<5, [0, .max])
    func everyScalar(index: Int, work: Int) throws {
        let golden = try Fixture.json("normalizers.json")[index]
        let normalizer = normalizer(golden, work: work)
        var checked = 0
        for block: UInt32 in 0..<0x1100 where !(0xD8..<0xE0).contains(block) {
            let scalars = (0..<256).compactMap { Unicode.Scalar(block * 256 + $0) }
            let text = scalars.map { String($0) }.joined(separator: "|")
            let normalized = normalize(text, normalizer)
            let name = String(block, radix: 16)
            if let expected = golden["blocks"].objectValue?[name]?.stringValue {
                #expect(digest(normalized) == expected, "\(golden["name"].text): U+\(name)00…\(name)FF")
            } else {
                #expect(
                    normalized == Array(text.utf8),
                    "\(golden["name"].text): U+\(name)00…\(name)FF stays as it is")
            }
            checked += scalars.count
        }
        #expect(checked == 0x110000 - 0x800)
    }

    @Test(
        "sorts marks, strips accents and lower-cases in texts as Hugging Face does", arguments: [0, 2],
        [0, .max])
    func texts(index: Int, work: Int) throws {
        let golden = try Fixture.json("normalizers.json")[index]
        let normalizer = normalizer(golden, work: work)
        #expect(golden["texts"].elements.count > 400)
        for example in golden["texts"].elements {
            #expect(
                normalize(example[0].text, normalizer) == Array(example[1].text.utf8),
                "\(example[0].serialized())")
        }
    }

    @Test(
        "the fast path gives what the steps give one after the other", arguments: [true, false],
        [true, false])
    func fastPathEqualsSteps(clean: Bool, lowercase: Bool) {
        var generator = SeededGenerator(seed: 5)
        let normalizer = BertNormalizer(cleanText: clean, lowercase: lowercase, work: 0)
        let steps = BertNormalizerSteps(
            cleanText: clean, handleChineseChars: true, stripAccents: lowercase, lowercase: lowercase)
        for _ in 0..<300 {
            let text = RandomText.make(using: &generator)
            let expected = ByteBuffer()
            for scalar in steps.apply(to: text.unicodeScalars.map(\.value)) { expected.append(scalar) }
            #expect(
                normalize(text, normalizer) == Array(expected.bytes), "\(JSONValue.string(text).serialized())"
            )
        }
    }

    @Test("eight plain letters at a time give what one at a time gives, wherever the run begins")
    func eightAtATime() {
        let normalizer = BertNormalizer()
        for character in (0..<128).map({ Unicode.Scalar(UInt8($0)) }) {
            let one = normalize(String(character), normalizer)
            for place in 0..<9 {
                var text = Array("AbcDefG Z")
                text.insert(Character(character), at: place)
                let expected = Array("abcdefg z".utf8)
                let result = normalize(String(text), normalizer)
                #expect(result == Array(expected[..<place]) + one + Array(expected[place...]))
            }
        }
    }
}
