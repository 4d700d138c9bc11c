import CSHA256
import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Sealed files")
struct SealedFileTests {
    private let format = ChecksummedFile.Format(magic: "TESTSEAL", version: 3)

    private func write(_ payload: [UInt8], to url: URL) throws {
        try ChecksummedFile.write(to: url, format: format) { writer in
            // In pieces that do not fit the blocks.
            for start in stride(from: 0, to: payload.count, by: 100_003) {
                try payload[start..<min(start + 100_003, payload.count)].withUnsafeBytes {
                    try writer.write($0)
                }
            }
            return Array("what it is".utf8)
        }
    }

    private func read(_ file: ChecksummedFile, _ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: range.lowerBound) }
        return bytes
    }

    @Test("what was written is read, from any place", arguments: [0, 1, 1000, 1 << 18, 600_000])
    func roundTrip(count: Int) throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            try write(payload, to: url)
            let file = try ChecksummedFile(url, format: format)
            #expect(file.count == count && file.description == Array("what it is".utf8))
            #expect(try read(file, 0..<count) == payload)
            #expect(try read(file, count / 3..<count / 2) == Array(payload[count / 3..<count / 2]))
            #expect(try directory.contents() == ["file"])
        }
    }

    @Test("a change of any byte, and any cut, is noticed")
    func damage() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "file")
            try write((0..<300).map { UInt8(truncatingIfNeeded: $0) }, to: url)
            let whole = Array(try Data(contentsOf: url))
            for place in whole.indices {
                var changed = whole
                changed[place] ^= 1 << (place % 8)
                try Data(changed).write(to: url)
                #expect(throws: ChecksummedFile.Problem.self, "byte \(place)") {
                    try ChecksummedFile(url, format: format)
                }
                try Data(whole[..<place]).write(to: url)
                #expect(throws: ChecksummedFile.Problem.self, "cut to \(place)") {
                    try ChecksummedFile(url, format: format)
                }
            }
            try Data(whole + [0]).write(to: url)
            #expect(throws: ChecksummedFile.Problem.self) { try ChecksummedFile(url, format: format) }
            try Data(whole).write(to: url)
            #expect(try ChecksummedFile(url, format: format).count == 300)
            let other = ChecksummedFile.Format(magic: "TESTSEAL", version: 4)
            #expect(throws: ChecksummedFile.Problem.foreign("it has version 3, this program reads 4")) {
                try ChecksummedFile(url, format: other)
            }
        }
    }

    @Test("the processor's SHA-256 is the portable one, and short digests are its beginning")
    func sha256() {
        for count in [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131) }
            let short = bytes.withUnsafeBytes { Digest.short($0) }
            let text = String(format: "%016lx%016lx", short.high, short.low)
            #expect(Digest.sha256(bytes).hasPrefix(text), "\(count)")
        }
        let blocks = (0..<640).map { UInt8(truncatingIfNeeded: $0 &* 77) }
        var (a, b) = ([UInt32](0..<8), [UInt32](0..<8))
        csha256_compress(&a, blocks, 10)
        csha256_compress_portable(&b, blocks, 10)
        #expect(a == b)
    }
}
