import DistillRuntime
import Distillation
import Foundation
import Testing

@testable import distill

@Suite("What predict reads")
struct PredictInputTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func predict(_ arguments: String..., input: String? = nil) throws -> Program.Result {
        try Program.run(["predict", "--model", Program.teacher.path] + arguments, input: input)
    }

    /// The answers to texts that come one a line.
    private func answers(_ texts: String...) throws -> String {
        try predict(input: texts.map { $0 + "\n" }.joined()).output
    }

    @Test("of a data file the texts are read, as by every other command")
    func tables() throws {
        let expected = try answers("a brilliant film", "a dull plot, sadly")
        let csv = "text,label\na brilliant film,positive\n\"a dull plot, sadly\",negative\n"
        let lines = "{\"text\": \"a brilliant film\", \"label\": \"x\"}\n{\"text\": \"a dull plot, sadly\"}\n"
        for (name, text) in [
            ("d.csv", csv), ("d.tsv", "label\ttext\nx\ta brilliant film\ny\ta dull plot, sadly\n"),
            ("d.jsonl", lines),
            ("d.json", "[" + lines.split(separator: "\n").joined(separator: ",\n") + "]"),
        ] {
            let result = try predict(try scratch.write(text, to: name))
            #expect(result.status == 0 && result.output == expected, "\(name): \(result.errors)")
        }
        let other = try scratch.write(
            "body;text\na brilliant film;x\n\"a dull plot, sadly\";y\n", to: "o.csv")
        let chosen = try predict(other, "--text-column", "body", "--delimiter", ";")
        #expect(chosen.output == expected, "\(chosen.errors)")
        #expect(try predict(scratch.path("[d].[ct]sv")).status == 1)
    }

    @Test("an empty text of a data file has an error in its place")
    func emptyRows() throws {
        let file = try scratch.write("text,label\na film,x\n ,y\na plot,x\n", to: "d.csv")
        let lines = try predict(file).output.split(separator: "\n")
        #expect(lines.count == 3 && lines[1] == "{\"error\":\"the text on line 3 is empty\"}")
    }

    @Test("pairs of a data file are two columns")
    func pairs() throws {
        let expected = try predict("--pairs", input: "a film\ta story\n").output
        let file = try scratch.write("premise,hypothesis\na film,a story\n", to: "p.csv")
        #expect(try predict(file).output == expected)
        #expect(try predict(file, "--pairs").output == expected)
        let single = try scratch.write("text\na film\n", to: "s.csv")
        let refused = try predict(single, "--pairs")
        #expect(refused.status == 64 && refused.errors.contains("--text-pair-column"), "\(refused.errors)")
    }

    @Test("options of data files are refused for plain text; a data file that cannot be read is an error")
    func refusals() throws {
        let text = try scratch.write("a film\n", to: "t.txt")
        let column = try predict(text, "--text-column", "text")
        #expect(column.status == 64 && column.errors.contains("read as plain text"))
        let table = try predict(try scratch.write("a,b\n1,2\n", to: "d.csv"))
        #expect(table.status == 1 && table.errors.contains("choose one with --text-column"))
        let packed = scratch.url.appending(path: "t.txt.gz")
        try Data([0x1F, 0x8B, 8, 0]).write(to: packed)
        let gzip = try predict(packed.path)
        #expect(gzip.status == 1 && gzip.errors.contains("this is gzip") && gzip.output.isEmpty)
    }

    @Test("a byte order mark before plain text is skipped, once")
    func byteOrderMark() throws {
        #expect(try predict(input: "\u{FEFF}a film\na plot\n").output == answers("a film", "a plot"))
        let file = try scratch.write("\u{FEFF}a film\r\na plot\r\n", to: "t.txt")
        #expect(try predict(file).output == answers("a film", "a plot"))
        #expect(
            try LineReader(path: try scratch.write("\u{FEFF}\n\u{FEFF}b\n", to: "u.txt")).next()?.map(\.text)
                == ["", "\u{FEFF}b"])
    }

    @Test("lines are those that splitting the whole gives, whatever their lengths")
    func lines() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<30 {
            let lengths = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                [0, 1, 65_535, 65_536, 65_537, 200_000].randomElement(using: &generator) ?? 0
            }
            let texts = lengths.map { String(repeating: "a", count: $0) }
            let ends = Bool.random(using: &generator) ? "\n" : ""
            let file = try scratch.write(
                texts.joined(separator: "\n") + (texts.isEmpty ? "" : ends), to: "t.txt")
            let reader = try LineReader(path: file, maximumCount: 7)
            var found: [LineReader.Line] = []
            while let next = try reader.next() {
                #expect(!next.isEmpty && next.count <= 7)
                found += next
            }
            var expected = texts
            // An empty last line without an end is none.
            if ends.isEmpty, expected.last == "" { expected.removeLast() }
            #expect(found.map(\.text) == expected && found.map(\.number) == Array(1..<(expected.count + 1)))
        }
    }

    @Test("a line of 64 MB takes a time of its length; one beyond the limit is an error")
    func longLine() throws {
        let file = scratch.url.appending(path: "l.txt")
        try Data(repeating: UInt8(ascii: "a"), count: 64_000_000).write(to: file)
        let clock = ContinuousClock()
        let time = try clock.measure {
            let line = try #require(try LineReader(path: file.path).next()?.first)
            #expect(line.text.utf8.count == 64_000_000)
        }
        // Splitting all that is pending again for each 64 KiB took minutes.
        #expect(time < .seconds(10))
        let error = #expect(throws: RuntimeError.self) {
            _ = try LineReader(path: file.path, limit: 8_000_000).next()
        }
        #expect(
            error?.description.hasSuffix(
                "l.txt, line 1: the line is longer than 8 MB; texts stand on lines of their own") == true)
    }
}
