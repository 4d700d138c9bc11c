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

    /// Loads a fixture, with another decoder if one is given.
    static func load(_ name: String, decoder: JSONValue? = nil) throws -> Tokenizer {
        let value = try StageFixture.withCharsmap(Fixture.json("families/\(name).json"))
        var file = try #require(value.objectValue)
        if let decoder { file["decoder"] = decoder }
        let parts = try TokenizerParts(StageConfiguration(file: "tokenizer.json", value: .object(file)))
        let noOtherFiles = directory.appending(path: "none")
        return try Tokenizer(parts, TokenizerSettings(directory: noOtherFiles), file: "tokenizer.json")
    }

    @Test("there is a fixture of each family")
    func all() { #expect(Self.names.count >= 15) }

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
}
