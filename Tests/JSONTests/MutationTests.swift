import TestSupport
import Testing

@testable import JSON

@Suite("Broken JSON")
struct MutationTests {
    @Test("a text changed anywhere is read or refused, and what is read can be written and read again")
    func mutations() throws {
        var generator = SeededGenerator(seed: 3)
        let original = Array(try fixture("document.json").utf8)
        let alphabet = Array("{}[]\",:\\u0dD8e+-.1tfn \n\u{0}\u{7F}".utf8) + [0x80, 0xC3, 0xE2, 0xF0, 0xFF]
        var (read, refused) = (0, 0)
        for _ in 0..<4000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[position] = byte
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.insert(byte, at: position)
                case 3: bytes.remove(at: position)
                default: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
                }
            }
            do {
                let value = try JSONValue.parse(bytes)
                #expect(try JSONValue.parse(value.serialized()) == value)
                read += 1
            } catch let error as JSONError {
                guard case .syntax(_, let line, let column, _) = error else {
                    Issue.record("unexpected error \(error)")
                    continue
                }
                #expect(line >= 1 && column >= 1)
                refused += 1
            }
        }
        #expect(read > 100 && refused > 100)  // the mutations reach both
    }

    @Test("a document cut short anywhere is refused")
    func truncation() throws {
        let bytes = Array(try fixture("pretty.json").utf8)
        for count in 0..<bytes.count {
            #expect(throws: JSONError.self) { try JSONValue.parse(Array(bytes.prefix(count))) }
        }
    }
}
