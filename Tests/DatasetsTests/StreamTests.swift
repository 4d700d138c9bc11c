import Foundation
import Testing

@testable import Datasets

@Suite("Streaming")
struct StreamTests {
    /// Bytes that come a few at a time.
    private final class Dripping: ByteSource {
        private var rest: ArraySlice<UInt8>
        init(_ bytes: [UInt8]) { rest = bytes[...] }
        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
            let part = rest.prefix(buffer.count)
            for (place, byte) in part.enumerated() { buffer[place] = byte }
            rest = rest.dropFirst(part.count)
            return part.count
        }
    }

    private func all(_ url: URL, chunkSize: Int) throws -> [TextRow] {
        let stream = try TextStream(
            url, options: Support.options(url.lastPathComponent), chunkSize: chunkSize)
        var rows: [TextRow] = []
        while let row = try stream.next() { rows.append(row) }
        return rows
    }

    @Test(
        "the rows do not depend on how the bytes come", arguments: ["minimal.csv", "quoted.csv", "tabs.tsv"])
    func chunks(name: String) throws {
        try expectSame(name)
    }

    @Test(
        "also of JSON lines and gzip, of one member and of several",
        arguments: ["lines.jsonl", "plain.jsonl", "minimal.csv.gz", "members.csv.gz"])
    func packedChunks(name: String) throws {
        try expectSame(name)
    }

    private func expectSame(_ name: String) throws {
        let url = Support.fixtures.appending(path: name)
        let whole = try all(url, chunkSize: 1 << 18)
        #expect(whole.count == 300)
        for size in [1, 2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 63, 64] {
            #expect(try all(url, chunkSize: size) == whole, "chunks of \(size)")
        }
    }

    @Test("records and errors are those of a parser that has everything in memory, for random bytes")
    func reference() throws {
        let alphabet = Array("ab\",\n\r\"\n,".utf8)
        var generator = SeededGenerator(seed: 11)
        for round in 0..<4000 {
            let count = Int.random(in: 0...24, using: &generator)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            var expected: [String] = []
            do {
                var parser = ReferenceParser(bytes, delimiter: UInt8(ascii: ","), path: "f")
                while let record = try parser.next() {
                    expected.append("\(record.line) \(record.fields.map(Array.init))")
                }
            } catch { expected.append("\(error)") }
            var found: [String] = []
            do {
                let reader = ByteReader(Dripping(bytes), chunkSize: 1 + round % 5)
                var parser = DelimitedParser(reader, delimiter: UInt8(ascii: ","), path: "f")
                while let record = try parser.next() {
                    found.append("\(record.line) \((0..<record.count).map { Array(record[$0]) })")
                }
            } catch { found.append("\(error)") }
            #expect(found == expected, "\(bytes)")
        }
    }

    @Test(
        "what .tsv is read as does not depend on how the bytes come; without quotes it is its lines, cut at tabs"
    )
    func tabbed() throws {
        var generator = SeededGenerator(seed: 12)
        for round in 0..<4000 {
            let alphabet = Array((round.isMultiple(of: 4) ? "ab\t\n\r" : "ab\"\t\n\r\"\n\t").utf8)
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            func records(_ size: Int) throws -> [DelimitedRecord] {
                var parser = TabbedParser(ByteReader(Dripping(bytes), chunkSize: size), path: "f")
                var records: [DelimitedRecord] = []
                while let record = try parser.next() { records.append(record) }
                return records
            }
            let whole = try records(64)
            #expect(try records(1 + round % 5) == whole)
            // Nothing gets lost but quotes, tabs between fields, and line ends.
            let kept = whole.flatMap(\.bytes).filter { $0 == 0x61 || $0 == 0x62 }
            #expect(kept == bytes.filter { $0 == 0x61 || $0 == 0x62 })
            guard round.isMultiple(of: 4) else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            let lines = text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }
            #expect(whole.map(\.count) == lines.map { 1 + $0.count { $0 == "\t" } })
        }
    }

    @Test("a byte order mark is skipped, whole, however it comes")
    func byteOrderMark() throws {
        for size in [1, 2, 3, 4, 100] {
            try Support.withFile("d.csv", Array("\u{FEFF}text,label\na,x\n".utf8)) {
                let texts = try all($0, chunkSize: size).map(\.text)
                #expect(texts == ["a"])
            }
            try Support.withFile("d.csv", Array("\u{FEEF}t,text\na,b\n".utf8)) {
                let texts = try all($0, chunkSize: size).map(\.text)
                #expect(texts == ["b"])
            }
        }
    }

    @Test("damaged gzip data are called damaged, not by what they unpack to")
    func damage() throws {
        let whole = Array(try Data(contentsOf: Support.fixtures.appending(path: "minimal.csv.gz")))
        for place in stride(from: 20, to: whole.count - 8, by: 37) {
            var damaged = whole
            damaged[place] ^= 0x10
            let error = #expect(throws: DatasetError.self) {
                try Support.withFile("data.csv.gz", damaged) { try all($0, chunkSize: 64) }
            }
            #expect(
                error?.description.contains("gzip data") == true, "\(place): \(String(describing: error))")
        }
    }

    @Test("the digest of a stream read to its end is the file's")
    func digest() throws {
        let url = Support.fixtures.appending(path: "members.csv.gz")
        let stream = try TextStream(url, chunkSize: 10)
        while try stream.next() != nil {}
        #expect(try stream.sha256 == TextDataset.load(url).sha256)
    }

    @Test(
        "an epoch's batches are those of the sampler that makes all of them at once",
        arguments: [true, false])
    func sampler(grouped: Bool) {
        for (count, size) in [(0, 3), (1, 4), (9, 4), (1000, 7), (3001, 16)] {
            let lengths = (0..<count).map { ($0 * 7919) % 50 + 1 }
            let lazy = LengthGroupedSampler.batches(
                lengths: lengths, batchSize: size, seed: 5, epoch: 3, grouped: grouped)
            #expect(Array(lazy) == reference(lengths, size, seed: 5, epoch: 3, grouped: grouped))
        }
    }

    /// The sampler of before, word for word.
    private func reference(
        _ lengths: [Int], _ batchSize: Int, seed: UInt64, epoch: Int, grouped: Bool
    ) -> [[Int]] {
        func cut(_ indices: [Int], _ size: Int) -> [[Int]] {
            stride(from: 0, to: indices.count, by: size).map {
                Array(indices[$0..<min($0 + size, indices.count)])
            }
        }
        var seeds = SeededGenerator(seed: seed)
        var generator = SeededGenerator(
            seed: seeds.next() ^ UInt64(truncatingIfNeeded: epoch) &* 0xD1B5_4A32_D192_ED03)
        let order = Array(lengths.indices).shuffled(seededBy: &generator)
        guard grouped else { return cut(order, batchSize) }
        let batches = cut(order, batchSize * 50).flatMap { run in
            let sorted = run.enumerated().sorted { a, b in
                (lengths[b.element], a.offset) < (lengths[a.element], b.offset)
            }
            return cut(sorted.map(\.element), batchSize)
        }
        return batches.shuffled(seededBy: &generator)
    }
}
