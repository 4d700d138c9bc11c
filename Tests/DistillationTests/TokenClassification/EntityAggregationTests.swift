import Files
import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers

@testable import Distillation

/// Entities of texts against transformers' pipeline; see scripts/fixtures/entity_aggregation.py.
@Suite("Aggregation of entities")
struct EntityAggregationTests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
    /// `ENTITY_AGGREGATION` may name a directory with more cases.
    private static let directory =
        ProcessInfo.processInfo.environment["ENTITY_AGGREGATION"].map { URL(filePath: $0) }
        ?? tests.appending(path: "Fixtures/entity_aggregation")
    private static let families = tests.deletingLastPathComponent().appending(
        path: "TokenizersTests/Fixtures/families")
    static let names: [String] = {
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false)))
            ?? []
        return files.map { $0.replacing(".json", with: "") }.sorted()
    }()

    /// The tokenizer of a family, with its unknown token.
    private func tokenizer(_ name: String, unknown: JSONValue) throws -> Tokenizer {
        let charsmap = try String(contentsOf: Self.families.appending(path: "charsmap.txt"), encoding: .utf8)
        let text = try String(contentsOf: Self.families.appending(path: "\(name).json"), encoding: .utf8)
        let url = FileManager.default.temporaryDirectory.appending(path: "aggregation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try Data(text.replacing("@charsmap", with: charsmap).utf8).write(
            to: url.appending(path: "tokenizer.json"))
        let configuration = JSONValue.object([
            "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": unknown,
        ])
        try Data(configuration.serialized().utf8).write(to: url.appending(path: "tokenizer_config.json"))
        return try Tokenizer.load(directory: url)
    }

    private func isEqual(_ entity: EntityAggregation.Entity, _ expected: JSONValue) -> Bool {
        let parts = expected.arrayValue ?? []
        return parts.count == 6 && entity.label.utf8.elementsEqual((parts[0].stringValue ?? "").utf8)
            && abs(Double(entity.score) - (parts[1].doubleValue ?? -1)) < 1e-6
            && entity.word.utf8.elementsEqual((parts[2].stringValue ?? "").utf8)
            && entity.index ?? -1 == parts[3].intValue && entity.start == parts[4].intValue
            && entity.end == parts[5].intValue
    }

    @Test("entities equal those of transformers' pipeline", arguments: names)
    func golden(name: String) throws {
        let file = try #require(
            JSONValue.load(contentsOf: Self.directory.appending(path: "\(name).json")).objectValue)
        let labels = (file["labels"]?.arrayValue ?? []).compactMap(\.stringValue)
        let tokenizer = try tokenizer(name, unknown: file["unknown"] ?? .null)
        let cases = file["cases"]?.arrayValue ?? []
        #expect(cases.count > 20 && labels.count == 8)
        var (different, count) = (0, 0)
        for example in cases where different < 5 {
            let parts = example.arrayValue ?? []
            let text = parts[0].stringValue ?? ""
            let logits = (parts[1].arrayValue ?? []).map { Float($0.intValue ?? 0) / 100 }
            let encoding = try tokenizer.encodeWithOffsets(text)
            let tokens = EntityAggregation.tokens(
                of: text, encoding: encoding, logits: logits, tokenizer: tokenizer)
            for (strategy, expected) in zip(EntityAggregation.Strategy.allCases, parts[2].arrayValue ?? []) {
                let aggregation = EntityAggregation(strategy: strategy, labels: labels)
                let entities = try aggregation.entities(tokens) { try tokenizer.decode(tokens: $0) }
                let wanted = expected.arrayValue ?? []
                count += wanted.count
                if entities.count != wanted.count || !zip(entities, wanted).allSatisfy(isEqual) {
                    different += 1
                    Issue.record(
                        "\(strategy) \(parts[0].serialized()): \(entities), not \(expected.serialized())")
                }
            }
        }
        #expect(count > 700)
    }

    @Test("there is a file of each family")
    func all() { #expect(Self.names.count >= 15) }

    @Test("labels that are ignored make no entity, and texts without tokens none")
    func ignored() throws {
        func token(_ piece: String, _ scores: [Float], _ start: Int) -> EntityAggregation.Token {
            .init(
                piece: piece, scores: scores, start: start, end: start + 1, index: start + 1, isSubword: false
            )
        }
        let tokens = [token("a", [0.1, 0.9], 0), token("b", [0.1, 0.9], 1), token("c", [0.8, 0.2], 2)]
        var aggregation = EntityAggregation(strategy: .simple, labels: ["O", "I-A"])
        let entities = aggregation.entities(tokens) { $0.joined() }
        #expect(entities == [.init(label: "A", score: 0.9, word: "ab", index: nil, start: 0, end: 2)])
        aggregation.ignoredLabels = []
        #expect(aggregation.entities(tokens) { $0.joined() }.count == 2)
        aggregation.ignoredLabels = ["A", "O"]
        #expect(aggregation.entities(tokens) { $0.joined() }.isEmpty)
        for strategy in EntityAggregation.Strategy.allCases {
            aggregation.strategy = strategy
            #expect(aggregation.entities([]) { $0.joined() }.isEmpty)
        }
    }
}
