import Architectures
import Foundation
import JSON
import TestSupport
import Testing

@Suite("Broken config.json")
struct ConfigurationMutationTests {
    private static let values: [JSONValue] = [
        .null, true, false, 0, 1, -1, 2, 3, 16, 60, .integer(.max), .integer(.min), 0.5, -0.5, 1e308, 1e-300,
        "",
        "bert", "gelu", "0", "relative_key", [], ["bert"], [:], ["0": "no", "1": "yes"], ["no": 1], [[[:]]],
        ["0": .null], ["-1": "x", "9223372036854775808": "y"],
    ]
    private static let keys =
        SmallModel.fields.keys + [
            "num_labels", "classifier_dropout", "problem_type", "position_embedding_type", "is_decoder",
            "pruned_heads", "embedding_size", "rope_theta", "quantization_config", "", "\u{0}",
        ]

    @Test("random values of random fields are read or refused, and what is read survives being written")
    func values() throws {
        var generator = SeededGenerator(seed: 9)
        var (read, refused) = (0, 0)
        for _ in 0..<3000 {
            var json = SmallModel.fields
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let key = try #require(Self.keys.randomElement(using: &generator))
                json[key] =
                    Int.random(in: 0..<5, using: &generator) == 0
                    ? nil : Self.values.randomElement(using: &generator)
            }
            do {
                let configuration = try ModelConfiguration(json: json, source: "config.json")
                let text = JSONValue.object(configuration.json()).serialized()
                let object = try #require(try JSONValue.parse(text).objectValue)
                #expect(try ModelConfiguration(json: object, source: "config.json") == configuration)
                read += 1
            } catch let error as ArchitectureError {
                #expect(error.description.hasPrefix("config.json: ") && !error.description.contains("\n"))
                refused += 1
            }
        }
        #expect(read > 100 && refused > 100)  // the mutations reach both
    }

    @Test("changed bytes are read or refused")
    func bytes() throws {
        var generator = SeededGenerator(seed: 4)
        let original = [UInt8](try Data(contentsOf: fixture("bert-tiny").appending(path: "config.json")))
        var refused = 0
        for _ in 0..<2000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(UInt8.random(in: 32..<127, using: &generator), at: position)
                default: bytes[position] = UInt8(ascii: "9")
                }
            }
            do {
                guard let json = try JSONValue.parse(bytes).objectValue else { continue }
                let configuration = try ModelConfiguration(json: json, source: "config.json")
                try configuration.validate()
            } catch is ArchitectureError {
                refused += 1
            } catch is JSONError {
            }
        }
        #expect(refused > 50)
    }
}
