import TestSupport
import Testing

@testable import JSON

@Suite("Writing JSON")
struct SerializeTests {
    @Test("numbers are written as Python writes them")
    func numbers() throws {
        let lines = try fixture("numbers.txt").split(separator: "\n")
        #expect(lines.count > 1000)
        for line in lines {
            let parts = line.split(separator: " ")
            let bits = try #require(UInt64(parts[0], radix: 16))
            #expect(JSONValue.number(Double(bitPattern: bits)).serialized() == String(parts[1]))
        }
    }

    @Test("a document with everything in it comes out as Python writes it, byte for byte")
    func document() throws {
        let compact = try fixture("document.json")
        let value = try JSONValue.parse(compact)
        #expect(value.serialized().utf8.elementsEqual(compact.utf8))
        let pretty = try fixture("pretty.json")
        #expect(value.serialized(pretty: true).utf8.elementsEqual(pretty.utf8))
        let sorted = try fixture("sorted.json")
        #expect(value.serialized(pretty: true, sortedKeys: true).utf8.elementsEqual(sorted.utf8))
        #expect(try JSONValue.parse(sorted) == value)
    }

    @Test("numbers that are not finite become null")
    func notFinite() {
        let value: JSONValue = [.number(.nan), .number(.infinity), .number(-.infinity)]
        #expect(value.serialized() == "[null,null,null]")
    }

    @Test("every value reads back as it was written")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            let value = randomValue(depth: 4, using: &generator)
            for pretty in [false, true] {
                for sorted in [false, true] {
                    let text = value.serialized(pretty: pretty, sortedKeys: sorted)
                    #expect(try JSONValue.parse(text) == value)
                }
            }
        }
    }
}

private func randomText(using generator: inout SeededGenerator) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0..<8, using: &generator) {
        let limit: UInt32 = [0x30, 0x80, 0x400, 0x1_1000].randomElement(using: &generator) ?? 0x80
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
            text.append(scalar)
        }
    }
    return String(text)
}

private func randomValue(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
    case 0: return nil
    case 1: return .bool(.random(using: &generator))
    case 2: return .integer(.random(in: .min ... .max, using: &generator))
    case 3:
        let value = Double(bitPattern: generator.next())
        return .number(value.isFinite ? value : 0.5)
    case 4: return .string(randomText(using: &generator))
    case 5:
        let count = Int.random(in: 0..<5, using: &generator)
        return .array((0..<count).map { _ in randomValue(depth: depth - 1, using: &generator) })
    default:
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            object[randomText(using: &generator)] = randomValue(depth: depth - 1, using: &generator)
        }
        return .object(object)
    }
}
