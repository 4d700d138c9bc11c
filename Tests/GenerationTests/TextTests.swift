import RegularExpressions
import Testing
import Tokenizers

@testable import Generation

@Suite("Text of tokens that come one by one")
struct TextTests {
    @Test(
        "pieces are whole characters, and together the text",
        arguments: ["héllo wörld", "日本語 the 🙂🙂 the", "é", "a\u{301} b", "the the\n\n the"])
    func characters(_ text: String) throws {
        let tokenizer = try Tokenizer.load(directory: Fixture.textModel)
        let ids = try tokenizer.encode(text).ids
        // Contexts that end between characters.
        let cuts = try ids.indices.filter { try text.hasPrefix(tokenizer.decode(ids[..<$0])) }
        #expect(cuts.first == 0)
        for cut in cuts {
            var stream = try TokenText(tokenizer, after: Array(ids[..<cut]))
            var all: [UInt8] = []
            for id in ids[cut...] {
                let piece = try stream.append(id)
                #expect(String(validating: piece, as: UTF8.self)?.contains("\u{FFFD}") == false)
                all += piece
            }
            #expect(try stream.finish().isEmpty)
            #expect(try tokenizer.decode(ids[..<cut]) + String(decoding: all, as: UTF8.self) == text)
        }
    }

    @Test("an unfinished character waits, and becomes U+FFFD at the end")
    func unfinished() throws {
        let tokenizer = try Tokenizer.load(directory: Fixture.textModel)
        let ids = try tokenizer.encode("日").ids
        #expect(ids.count == 3)
        var stream = try TokenText(tokenizer, after: [])
        #expect(try stream.append(ids[0]).isEmpty)
        #expect(try stream.append(ids[1]).isEmpty)
        #expect(try String(decoding: stream.finish(), as: UTF8.self) == "\u{FFFD}")
        // What is broken for good comes with the next whole character.
        stream = try TokenText(tokenizer, after: [])
        #expect(try stream.append(ids[0]).isEmpty)
        let letter = try tokenizer.encode("x").ids[0]
        #expect(try String(decoding: stream.append(letter), as: UTF8.self) == "\u{FFFD}x")
    }

    @Test("a stop string is found wherever pieces begin and end")
    func stopStrings() {
        let text = "one two, two three: ende"
        for (stops, expected) in [
            (["three"], "one two, two "), (["two three", "x"], "one two, "),
            (["ende"], "one two, two three: "),
            (["endee"], text), (["e t", "two"], "on"), (["two", "o tw"], "one "), (["one"], ""), ([], text),
        ] {
            for size in 1...text.utf8.count {
                var scan = StopStringScan(stops)
                var (shown, rest, isFound) = ([UInt8](), Array(text.utf8)[...], false)
                while !rest.isEmpty, !isFound {
                    let step = scan.append(Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    shown += step.text
                    isFound = step.isFound
                    #expect(text.hasPrefix(String(decoding: shown, as: UTF8.self)))
                    #expect(expected.hasPrefix(String(decoding: shown, as: UTF8.self)))
                }
                shown += scan.finish()
                #expect(String(decoding: shown, as: UTF8.self) == expected, "\(stops), pieces of \(size)")
                #expect(isFound == (expected != text))
            }
        }
    }
}
