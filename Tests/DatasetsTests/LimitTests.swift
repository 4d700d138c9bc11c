import Files
import Foundation
import Testing

@testable import Datasets

/// Inputs that are large, deep or many in one respect end in a row, or in one line of error, in a time that grows no faster
/// than they do.
@Suite("Limits")
struct LimitTests {
    @Test("a row, a line or an object that is too long is an error that names its line")
    func long() throws {
        let text = String(repeating: "b", count: 40)
        func refusal(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "not refused"
        }
        func reader(_ text: String) -> ByteReader { ByteReader(Whole(text), chunkSize: 7) }
        for content in ["a,x\n\(text),y\n", "a,x\n\"\(text)\",y\n", "a,x\n\"bb\n\(text)\n\",y\n"] {
            let message = refusal {
                var parser = DelimitedParser(reader(content), delimiter: 0x2C, path: "f", limit: 32)
                while try parser.next() != nil {}
            }
            #expect(
                message.hasPrefix("f, line 2: the row that begins here is longer than 32 bytes"), "\(message)"
            )
        }
        let tabbed = refusal {
            var parser = TabbedParser(reader("a\tx\n\(text)\ty\n"), path: "f", limit: 32)
            while try parser.next() != nil {}
        }
        #expect(tabbed.hasPrefix("f, line 2: the row"))
        for content in ["{}\n{\"a\": \"\(text)\"}\n", "[{},\n{\"a\":\n\"\(text)\"}]"] {
            let message = refusal {
                var objects = JSONObjects(reader(content), path: "f", limit: 32)
                while try objects.next() != nil {}
            }
            #expect(message.hasPrefix("f, line 2: the row"), "\(message)")
        }
    }

    private final class Whole: ByteSource {
        private var rest: ArraySlice<UInt8>
        init(_ text: String) { rest = Array(text.utf8)[...] }
        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
            let part = rest.prefix(buffer.count)
            for (place, byte) in part.enumerated() { buffer[place] = byte }
            rest = rest.dropFirst(part.count)
            return part.count
        }
    }

    @Test("64 MB are a row's limit, also where they unpack from little")
    func rows() throws {
        let fits = "text,label\n" + String(repeating: "a", count: Limits.row - 100) + ",x\n"
        #expect(try Support.load(fits).examples[0].text.utf8.count == Limits.row - 100)
        let long = "text,label\n" + String(repeating: "a", count: Limits.row) + ",x\n"
        #expect(
            Support.refusal(long).hasPrefix("data.csv, line 2: the row that begins here is longer than 64 MB")
        )
    }

    @Test("rows are handed on by bytes too")
    func chunks() throws {
        let rows = (0..<5).map { _ in String(repeating: "a", count: Limits.chunk / 2) + ",x\n" }.joined()
        try Support.withFile("d.csv", Array(("text,label\n" + rows).utf8)) { url in
            let stream = try TextStream(url)
            #expect(try stream.rows(100).count == 2)
            #expect(try stream.rows(100).count == 2)
            #expect(try stream.rows(100).count == 1)
            #expect(try stream.rows(100).isEmpty)
        }
    }

    @Test("many columns take time by their number; too many are an error")
    func columns() throws {
        let names = (0..<50_000).map { "c\($0)" }.joined(separator: ",")
        let cells = String(repeating: ",", count: 50_000)
        let clock = ContinuousClock()
        let time = try clock.measure {
            let data = try Support.load("text,\(names)\na\(cells)\n")
            #expect(data.examples.map(\.text) == ["a"])
        }
        // Comparing each with each takes minutes.
        #expect(time < .seconds(20))
        let many = String(repeating: ",", count: Limits.columns)
        #expect(Support.refusal("text" + many + "\n").contains("line 1: there are more than 100000 columns"))
        #expect(
            Support.refusal("text" + many.replacing(",", with: "\t") + "\n", as: "d.tsv").contains(
                "line 1: there are more than 100000 columns"))
    }

    @Test("a pattern that stands for too many files is an error, at once")
    func patterns() {
        let clock = ContinuousClock()
        let time = clock.measure {
            let braces = String(repeating: "{a,b}", count: 60)
            let error = #expect(throws: DatasetError.self) {
                try DataFiles.files(URL(filePath: "/nonexistent/" + braces))
            }
            #expect(error?.description.contains("more than 100000 files") == true)
        }
        #expect(time < .seconds(60))
    }

    @Test("links that lead round in a circle end")
    func circles() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "circle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for name in 0..<10 {
            try FileManager.default.createSymbolicLink(
                atPath: directory.appending(path: "l\(name)").path, withDestinationPath: ".")
        }
        let error = #expect(throws: DatasetError.self) {
            try DataFiles.files(directory.appending(path: "*/*/*/*/*/*/*/*.csv"))
        }
        #expect(error?.description.contains("more than 100000 files") == true)
    }

    @Test(
        "names are compared with patterns as the shell does",
        arguments: [
            ("*", "", true), ("*", "a", true), ("*", ".a", false), (".*", ".a", true), ("?", "é", true),
            ("?", "", false), ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false), ("a*b", "abab", true),
            ("[a-c]", "b", true), ("[!a-c]", "b", false), ("[^a-c]", "d", true), ("[]a]", "]", true),
            ("[a", "[a", true), ("[a\\]]", "]", true), ("[a-]", "-", true), ("[[:digit:]x]", "7", true),
            ("[[:digit:]]", "a", false), ("\\*", "*", true), ("\\*", "a", false), ("a**b", "ab", true),
            ("*.csv", "x.csv", true), ("*.csv", "x.csv.gz", false), ("[z-a]", "b", false),
        ] as [(String, String, Bool)])
    func globs(_ pattern: String, _ name: String, _ fits: Bool) {
        #expect(GlobPattern(pattern).fits(name) == fits)
    }

    @Test("a name that nearly fits many stars takes no time to speak of")
    func stars() {
        let pattern = GlobPattern(String(repeating: "*a", count: 100) + "*b")
        let clock = ContinuousClock()
        let time = clock.measure { #expect(!pattern.fits(String(repeating: "a", count: 255))) }
        #expect(time < .seconds(2))
    }

    @Test("errors show the beginning of what is long, on one line")
    func messages() throws {
        let long = String(repeating: "x", count: 10_000)
        let map = try LabelMap(names: ["a" + long, "b"])
        let refusal = Support.refusal("text,label\na,\"\(long)\"\n", labels: map)
        #expect(refusal.contains("unknown label 'xxx") && refusal.utf8.count < 500)
        #expect(Support.refusal("text,label\na,\"x\ny\"\n", labels: map).contains("unknown label 'x\\ny'"))
        let header = (0..<1000).map { "\(long)\($0)" }.joined(separator: ",")
        #expect(Support.refusal(header + "\n").utf8.count < 3000)
    }

    @Test(
        "a file that is written to while it is read is said to have changed, whatever else is wrong with it")
    func changed() throws {
        let rows = (0..<20_000).map { "text \($0),x\n" }.joined()
        for tail in ["y,x\n", "\"never closed", "three,columns,here\n"] {
            try Support.withFile("d.csv", Array(("text,label\n" + rows).utf8)) { url in
                let stream = try TextStream(url, chunkSize: 64)
                _ = try stream.next()
                let handle = try FileHandle(forWritingTo: url)
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(tail.utf8))
                try handle.close()
                let error = #expect(throws: DatasetError.self) { while try stream.next() != nil {} }
                #expect(
                    error?.description.hasSuffix(
                        "d.csv: the file changed while it was read; start again when it is complete") == true)
            }
        }
        // One that is replaced by a rename is read to its end as it was.
        try Support.withFile("d.csv", Array(("text,label\n" + rows).utf8)) { url in
            let stream = try TextStream(url, chunkSize: 64)
            _ = try stream.next()
            try AtomicFile.write("text,label\nz,x\n", to: url)
            while try stream.next() != nil {}
            #expect(stream.count == 20_000)
        }
    }

    @Test("UTF-16 is named")
    func utf16() throws {
        for bytes: [UInt8] in [[0xFF, 0xFE, 0x74, 0], [0xFE, 0xFF, 0, 0x74]] {
            let error = #expect(throws: DatasetError.self) {
                try Support.withFile("d.csv", bytes) { try TextDataset.load($0) }
            }
            #expect(error?.description.contains("this is UTF-16") == true)
        }
    }
}
