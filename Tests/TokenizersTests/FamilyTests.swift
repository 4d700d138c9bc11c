import Foundation
import JSON
import Testing

@testable import Tokenizers

/// Tokenizers of the families beside BERT's; see scripts/fixtures/tokenizers_families.py.
@Suite("Families of tokenizers")
struct FamilyTests {
    static let directory = Fixture.directory.appending(path: "families")
    static let names: [String] = {
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false)))
            ?? []
        return files.filter { $0.hasSuffix(".json") && !$0.hasSuffix(".cases.json") }.map {
            String($0.dropLast(5))
        }
        .sorted()
    }()

    static func load(_ name: String) throws -> Tokenizer {
        let map = try String(contentsOf: directory.appending(path: "charsmap.txt"), encoding: .utf8)
        let text = try String(contentsOf: directory.appending(path: "\(name).json"), encoding: .utf8)
        let file = try JSONValue.parse(text.replacing("@charsmap", with: map))
        let parts = try TokenizerParts(StageConfiguration(file: "tokenizer.json", value: file))
        let noOtherFiles = directory.appending(path: "none")
        return try Tokenizer(parts, TokenizerSettings(directory: noOtherFiles), file: "tokenizer.json")
    }

    @Test("there is a fixture of each family")
    func all() { #expect(Self.names.count >= 12) }

    @Test("ids and type ids equal Hugging Face's", arguments: names)
    func ids(name: String) throws {
        let tokenizer = try Self.load(name)
        let cases = try Fixture.json("families/\(name).cases.json").elements
        #expect(cases.count > 300)
        let flat = try tokenizer.encodeFlat(batch: cases.map(\.[0].text), threads: 2)
        var different = 0
        for (index, example) in cases.enumerated() where different < 5 {
            let encoding = try tokenizer.encode(example[0].text)
            if encoding.ids != example[1].numbers || encoding.typeIDs != example[2].numbers {
                different += 1
                Issue.record("\(example[0].serialized()): \(encoding.ids), not \(example[1].numbers)")
            }
            #expect(Array(flat[index]) == encoding.ids)
        }
    }

    @Test("offsets equal Hugging Face's", arguments: names)
    func offsets(name: String) throws {
        let tokenizer = try Self.load(name)
        var different = 0
        for example in try Fixture.json("families/\(name).cases.json").elements where different < 5 {
            let encoding = try tokenizer.encodeWithOffsets(example[0].text)
            let offsets = encoding.offsets.map { [Int32($0.lowerBound), Int32($0.upperBound)] }
            if encoding.ids != example[1].numbers || offsets != example[3].elements.map(\.numbers) {
                different += 1
                Issue.record("\(example[0].serialized()): \(offsets), not \(example[3].serialized())")
            }
        }
    }

    /// `TOKENIZERS_FUZZ` is the directory that `tokenizers_families.py --fuzz` has written.
    @Test(
        "random texts give Hugging Face's ids and offsets",
        .enabled(if: ProcessInfo.processInfo.environment["TOKENIZERS_FUZZ"] != nil), arguments: names)
    func fuzz(name: String) throws {
        let directory = try #require(ProcessInfo.processInfo.environment["TOKENIZERS_FUZZ"])
        let tokenizer = try Self.load(name)
        let data = try Data(contentsOf: URL(filePath: directory).appending(path: "\(name).bin"))
        var (count, wrongIDs, wrongOffsets) = (0, 0, 0)
        try data.withUnsafeBytes { bytes in
            var place = 0
            func number() -> Int32 {
                defer { place += 4 }
                return bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)
            }
            while place < bytes.count {
                let length = Int(number())
                let text = String(decoding: bytes[place..<place + length], as: UTF8.self)
                place += length
                let tokens = Int(number())
                let ids = (0..<tokens).map { _ in number() }
                let offsets = (0..<tokens * 2).map { _ in number() }
                let encoding = try tokenizer.encode(text)
                let placed = try tokenizer.encodeWithOffsets(text)
                count += 1
                if encoding.ids != ids || placed.ids != ids {
                    wrongIDs += 1
                    if wrongIDs < 4 {
                        print("\(name): \(JSONValue.string(text).serialized()): \(encoding.ids), not \(ids)")
                    }
                } else if placed.offsets.flatMap({ [Int32($0.lowerBound), Int32($0.upperBound)] }) != offsets
                {
                    wrongOffsets += 1
                    if wrongOffsets < 3 {
                        print(
                            "\(name): \(JSONValue.string(text).serialized()): offsets \(placed.offsets), not \(offsets)"
                        )
                    }
                }
            }
        }
        print("\(name): \(count) texts, \(wrongIDs) with other ids, \(wrongOffsets) with other offsets")
        #expect(count > 1000 && wrongIDs == 0 && wrongOffsets == 0)
    }
}
