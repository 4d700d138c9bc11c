import Foundation
import Testing

@testable import TensorBoard

@Suite("TensorBoard event files")
struct EventFileTests {
    /// RFC 3720, appendix B.4.
    @Test("CRC-32C is the standard's on its examples")
    func checksums() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(0..<32 as Range<UInt8>) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32 as Range<UInt8>).reversed()) == 0x113F_DB5C)
        #expect(CRC32C.checksum([]) == 0)
    }

    @Test("a message is the protocol's, byte for byte")
    func message() {
        let event = Event(wallTime: 1.5, step: 300, content: .scalars([("a/b", 0.25)]))
        let expected: [UInt8] =
            [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F] + [0x10, 0xAC, 0x02]
            + [0x2A, 0x0C, 0x0A, 0x0A, 0x0A, 0x03] + Array("a/b".utf8) + [0x15, 0, 0, 0x80, 0x3E]
        #expect(event.bytes == expected)
    }

    @Test("records follow one another, each with its length and checksums")
    func records() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: directory) }
        let writer = try EventFileWriter(directory: directory, time: Date(timeIntervalSince1970: 12))
        try writer.add([("train/loss", 0.5)], step: 1)
        try writer.add([], step: 2)
        try writer.add([("train/loss", 0.25), ("eval/accuracy", 1)], step: 3)
        #expect(writer.url.lastPathComponent.hasPrefix("events.out.tfevents.0000000012."))
        var rest = try Array(Data(contentsOf: writer.url))[...]
        var records: [[UInt8]] = []
        func number(_ count: Int) -> UInt64 {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        while !rest.isEmpty {
            let lengthBytes = Array(rest.prefix(8))
            let length = Int(number(8))
            #expect(number(4) == UInt64(CRC32C.masked(lengthBytes)))
            let data = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            #expect(number(4) == UInt64(CRC32C.masked(data)))
            records.append(data)
        }
        #expect(records.count == 3)
        #expect(String(decoding: records[0], as: UTF8.self).contains("brain.Event:2"))
        #expect(String(decoding: records[2], as: UTF8.self).contains("eval/accuracy"))
    }
}
