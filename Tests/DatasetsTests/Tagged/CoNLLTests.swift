import Foundation
import Testing

@testable import Datasets

@Suite("CoNLL files")
struct CoNLLTests {
    private func shown(_ text: String, options: TaggedOptions = TaggedOptions()) throws -> [String] {
        try TaggedSupport.load(text, options: options).map(TaggedSupport.shown)
    }

    private func refusal(_ text: String, options: TaggedOptions = TaggedOptions()) -> String {
        TaggedSupport.refusal(text, options: options)
    }

    @Test("words and tags between tabs or spaces, sentences between empty lines")
    func plain() throws {
        let conll2003 = """
            -DOCSTART- -X- -X- O

            EU NNP I-NP B-ORG
            rejects VBZ I-VP O
            German JJ I-NP B-MISC

            -DOCSTART- -X- O O

            Peter NNP I-NP B-PER
            """
        #expect(try shown(conll2003) == ["EU/B-ORG rejects/O German/B-MISC", "Peter/B-PER"])
        let tabbed = "\u{FEFF}New York\tB-LOC\r\n is\tO\r\n\t\r\n   \r\n#tag\tO\r\n"
        #expect(try shown(tabbed) == ["New York/B-LOC is/O", "#tag/O"])
        #expect(try shown("a O\rb O\r\rc  \t O") == ["a/O b/O", "c/O"])
        // A document begins without an empty line before.
        #expect(try shown("a O\n-DOCSTART- O\nb O\n") == ["a/O", "b/O"])
    }

    @Test("rows know their line and file")
    func places() throws {
        let rows = try TaggedSupport.load("\n\na O\nb O\n\n\nc O\n")
        #expect(rows.map(\.line) == [3, 7] && rows.map(\.file) == [0, 0])
    }

    @Test("columns are chosen by number, from the end, or by name")
    func columns() throws {
        let text = "a 1 x B-A\nb 2 y O\n"
        #expect(try shown(text, options: .init(wordColumn: "3")) == ["x/B-A y/O"])
        #expect(
            try shown("B-A O a\nO O b\n", options: .init(wordColumn: "-1", tagColumn: "1")) == ["a/B-A b/O"])
        let named = "ner\ttoken\nB-A\ta\nO\tb\n"
        #expect(try shown(named, options: .init(wordColumn: "token", tagColumn: "ner")) == ["a/B-A b/O"])
        #expect(try shown(named, options: .init(tagColumn: "ner")) == ["a/B-A b/O"])
        var header = TaggedOptions(tagColumn: "1")
        header.hasHeader = true
        #expect(try shown("tag word\n\nO a\n", options: header) == ["a/O"])
        let plus = "# global.columns = ID FORM NER\n# text = a b\n1\ta\tB-A\n2\tb\tO\n\n# c\n1\tc\tO\n"
        #expect(try shown(plus) == ["a/B-A b/O", "c/O"])
        #expect(try shown(plus, options: .init(tagColumn: "NER")) == ["a/B-A b/O", "c/O"])
    }

    @Test("lines with # are comments where the first column counts the words, or where it is asked for")
    func comments() throws {
        let germEval = "#\tn-tv.de [2010]\n1\tAufgrund\tO\tO\n2\tMainz\tB-LOC\tO\n\n#\tx\n1\t#\tO\tO\n"
        #expect(try shown(germEval, options: .init(tagColumn: "3")) == ["Aufgrund/O Mainz/B-LOC", "#/O"])
        // CoNLL-U's words that are written as one, and those that are not written.
        #expect(try shown("# a\n1-2\tim\tO\n1\tin\tO\n2\tdem\tB-A\n2.1\tx\tO\n") == ["in/O dem/B-A"])
        #expect(try shown("# O\n#tag O\n\n# O\n") == ["#/O #tag/O", "#/O"])
        var options = TaggedOptions()
        options.hasComments = true
        #expect(
            try shown(
                "# id 1 domain=en\nhe _ _ O\n\n# only a comment\n\n# id 2\nshe _ _ B-A\n", options: options)
                == ["he/O", "she/B-A"])
        // A comment before the first sentence that shows what comments are.
        #expect(try shown("# license\n\n# text\n1\ta\tO\n2\tb\tO\n") == ["a/O b/O"])
        options.hasComments = false
        #expect(try shown("#1 O\n#2 O\n", options: options) == ["#1/O #2/O"])
        // Numbers that are words.
        #expect(try shown("1 CD O\n") == ["1/O"])
    }

    @Test("what cannot be read is refused with its line and what to do")
    func refusals() {
        #expect(refusal("a O\nb\n").hasPrefix("data.conll, line 2: there is 1 column where line 1 has 2"))
        #expect(refusal("# x y\nhe _ _ O\n").contains("line 1: there are 3 columns where line 2 has 4"))
        #expect(refusal("he _ _ O\n\n# id 1\nhe _ _ O\n").hasSuffix("say that the file has comments"))
        #expect(refusal("a\nb\n").contains("line 1: there is one column"))
        #expect(refusal("word tag\na O\n").contains("line 1: 'tag' is no tag"))
        #expect(refusal("word tag\na O\n").hasSuffix("say that there is a header if this is one"))
        #expect(refusal("a O\nb B-\n").hasPrefix("data.conll, line 2: 'B-' is no tag of an entity; write O"))
        #expect(refusal("a\tO\n\tO\n").hasPrefix("data.conll, line 2: the word is empty"))
        #expect(refusal("").hasSuffix("there are no sentences in this file"))
        #expect(refusal("-DOCSTART- O\n\n").hasSuffix("there are no sentences in this file"))
        #expect(
            refusal("a O\n", options: .init(tagColumn: "5")).contains(
                "there is no column 5; the columns are numbered 1 to 2"))
        #expect(refusal("a O\n", options: .init(tagColumn: "0")).contains("there is no column 0"))
        #expect(
            refusal("x y\na O\n", options: .init(tagColumn: "ner")).contains(
                "there is no column 'ner'; the columns are x, y"))
        #expect(refusal("a O\n", options: .init(wordColumn: "2")).contains("is chosen for both"))
        #expect(
            refusal("1 a O\n2 b O\n\nx c O\n").contains(
                "line 4: the first column counts the words from line 1 on"))
        #expect(refusal("a\u{0}O\n").contains("one column"))
        #expect(TaggedSupport.refusal("a O", as: "data.txt").contains("say that it is conll"))
    }

    @Test("bytes that are not UTF-8, UTF-16, and sentences without an end are refused")
    func bytes() throws {
        func refusal(_ bytes: [UInt8]) throws -> String {
            try Support.withFile("data.conll", bytes) { url in
                do {
                    let stream = try TaggedStream(url)
                    while try stream.next() != nil {}
                    return ""
                } catch { return "\(error)" }
            }
        }
        #expect(
            try refusal(Array("a O\n".utf8) + [0xE9] + Array(" O\n".utf8)).contains(
                "line 2: the bytes are not UTF-8"))
        #expect(try refusal([0xFF, 0xFE, 0x61, 0]).contains("UTF-16"))
        var lines = CoNLLLines(
            ByteReader(Bytes(Array("a O\nbb O\ncc O\n".utf8)), chunkSize: 3), path: "f", limit: 8)
        #expect(throws: DatasetError.self) { while try lines.next() != nil {} }
    }

    private final class Bytes: ByteSource {
        private var rest: ArraySlice<UInt8>
        init(_ bytes: [UInt8]) { rest = bytes[...] }
        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
            let part = rest.prefix(buffer.count)
            for (place, byte) in part.enumerated() { buffer[place] = byte }
            rest = rest.dropFirst(part.count)
            return part.count
        }
    }

    @Test("files without tags, of any tag, and without looking at tags")
    func otherTags() throws {
        var options = TaggedOptions()
        options.allowsAnyTag = true
        #expect(try shown("a NN\n", options: options) == ["a/NN"])
        options = TaggedOptions()
        options.readsTags = false
        #expect(try shown("a NN\n", options: options) == ["a"])
        options = TaggedOptions()
        options.allowsUntagged = true
        #expect(try shown("a\n\nb\n", options: options) == ["a", "b"])
    }

    @Test("what is written is read, whatever the size of the pieces")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 3)
        let pieces = [
            "a", "B", "#", "-", "é", "e\u{301}", "日", "😀", "\u{A0}", "\"", "\\", "1", ".", "\u{2028}",
        ]
        for _ in 0..<300 {
            let sentences = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                    (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                        pieces.randomElement(using: &generator) ?? ""
                    }.joined()
                }
            }
            let end = ["\n", "\r\n"].randomElement(using: &generator) ?? "\n"
            let separator = ["\t", " ", "  ", " \t "].randomElement(using: &generator) ?? " "
            let text = sentences.map { words in
                words.map { $0 + separator + "x" + separator + "B-A" + end }.joined()
            }.joined(separator: end)
            var options = TaggedOptions()
            options.hasComments = false
            let rows = try TaggedSupport.load(
                text, options: options, chunkSize: Int.random(in: 1...9, using: &generator))
            // A first column that counts 1, 2 … may come about; then the words are in the second.
            guard !rows.contains(where: { $0.words.contains("x") }) else { continue }
            #expect(
                rows.map { $0.words.map { Array($0.utf8) } } == sentences.map { $0.map { Array($0.utf8) } })
            #expect(rows.allSatisfy { $0.tags == $0.words.map { _ in "B-A" } })
        }
    }

    @Test("several files are one data set")
    func files() throws {
        try Support.withFile("1.conll", Array("a O\n".utf8)) { first in
            let directory = first.deletingLastPathComponent()
            try Data("b B-A\n\nc O\n".utf8).write(to: directory.appending(path: "2.conll"))
            let stream = try TaggedStream(directory.appending(path: "*.conll"))
            let rows = try stream.rows(10)
            #expect(
                rows.map(TaggedSupport.shown) == ["a/O", "b/B-A", "c/O"] && rows.map(\.file) == [0, 1, 1])
            #expect(stream.hasTags && stream.columnNames == ["1", "2"])
            #expect(try stream.next() == nil && stream.sha256.utf8.count == 64 && stream.count == 3)
            #expect(stream.error(about: rows[2], "x").description.hasSuffix("2.conll, line 3: x"))
        }
    }
}
