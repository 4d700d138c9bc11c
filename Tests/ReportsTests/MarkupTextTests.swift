import Testing

@testable import Reports

@Suite("Texts in markup")
struct MarkupTextTests {
    @Test("what would be markup is escaped, also where a character hides it")
    func escapes() {
        #expect(
            MarkupText.escaped("<a href=\"x\">'&'</a>")
                == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;")
        // One Character each: a comparison of characters would let these through.
        for (text, safe) in [
            ("\u{0600}<b>", "\u{0600}&lt;b&gt;"), ("\"\u{0301}", "&quot;\u{0301}"),
            ("<\u{0338}", "&lt;\u{0338}"), ("&\u{20DD}", "&amp;\u{20DD}"), ("'\u{200D}", "&#39;\u{200D}"),
        ] {
            #expect(Array(MarkupText.escaped(text).utf8) == Array(safe.utf8), "\(safe)")
        }
    }

    @Test("every scalar of the first planes becomes text that markup may hold")
    func scalars() {
        for value in UInt32(0)..<0x3000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = MarkupText.escaped(String(Character(scalar)))
            #expect(!text.isEmpty)
            for inner in text.unicodeScalars {
                let isBad =
                    inner.value < 0x20 && inner != "\t" && inner != "\n"
                    || (0x7F..<0xA0).contains(inner.value)
                #expect(!isBad, "U+\(String(value, radix: 16))")
            }
            #expect(!text.unicodeScalars.contains { "<>\"'".unicodeScalars.contains($0) })
        }
        for value: UInt32 in [0xFFFE, 0xFFFF, 0x1FFFE, 0xFDD0] {
            #expect(Unicode.Scalar(value).map { MarkupText.escaped(String(Character($0))) } == "\u{FFFD}")
        }
        #expect(MarkupText.escaped("\u{0}\u{1B}") == "␀␛")
    }

    @Test("texts are cut between characters")
    func shortened() {
        #expect(MarkupText.shortened("abcdef", 6) == "abcdef")
        #expect(MarkupText.shortened("abcdefg", 6) == "abcde…")
        #expect(MarkupText.shortened("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2) == "👩‍👩‍👧…")
        #expect(MarkupText.shortened("", 3) == "")
    }

    @Test("numbers as people read them, and a dash for what is none")
    func numbers() {
        #expect(NumberText.percent.text(0.8711) == "87.11 %")
        #expect(NumberText.bytes.text(90_900_000) == "90.9 MB")
        #expect(NumberText.bytes.text(12) == "12 B")
        #expect(NumberText.milliseconds.text(3.591) == "3.59 ms")
        #expect(NumberText.milliseconds.text(42.71) == "42.7 ms")
        #expect(NumberText.count.text(22_713_600) == "22.7 M")
        #expect(NumberText.plain.text(0.00002) == "2e-05")
        for format in [NumberText.percent, .plain, .bytes, .milliseconds, .count, .fourDigits] {
            #expect(format.text(.nan) == "–")
            #expect(format.text(.infinity) == "–")
        }
        #expect(NumberText.percent.tick(0.85, step: 0.01) == "85 %")
        #expect(NumberText.percent.tick(0.855, step: 0.005) == "85.5 %")
        #expect(NumberText.bytes.tick(2e7, step: 1e7) == "20 MB")
        #expect(NumberText.milliseconds.tick(0.5, step: 0.5) == "0.5 ms")
    }
}
