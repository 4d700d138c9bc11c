import Datasets
import Files
import Foundation
import JSON
import Testing

@testable import Distillation

/// Entities and their scores against seqeval; see scripts/fixtures/entity_metrics.py.
@Suite("Metrics of entities")
struct EntityMetricsTests {
    /// `ENTITY_METRICS` may name a file of more cases.
    private static let file =
        ProcessInfo.processInfo.environment["ENTITY_METRICS"].map { URL(filePath: $0) }
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Fixtures/entity_metrics.json")

    private func sentences(_ value: JSONValue) -> [[String]] {
        (value.arrayValue ?? []).map { ($0.stringValue ?? "").split(separator: " ").map(String.init) }
    }

    /// The rows of a report as seqeval lists them.
    private func rows(_ metrics: EntityMetrics) -> [(String, EntityMetrics.Scores)] {
        metrics.types.map { ($0.type, $0.scores) } + [
            ("micro avg", metrics.micro), ("macro avg", metrics.macro), ("weighted avg", metrics.weighted),
        ]
    }

    private func isEqual(_ metrics: EntityMetrics, _ report: JSONValue) -> Bool {
        let (rows, expected) = (rows(metrics), report.arrayValue ?? [])
        guard rows.count == expected.count else { return false }
        return zip(rows, expected).allSatisfy { row, expected in
            let parts = expected.arrayValue ?? []
            // Where seqeval gives nan, it is 0 here.
            func fits(_ value: Double, _ place: Int) -> Bool {
                abs(value - (parts[place].doubleValue ?? 0)) <= 1e-12
            }
            return parts.count == 5 && row.0.utf8.elementsEqual((parts[0].stringValue ?? "").utf8)
                && fits(row.1.precision, 1) && fits(row.1.recall, 2) && fits(row.1.f1, 3)
                && row.1.support == parts[4].intValue
        }
    }

    private func isEqual(_ sentences: [[TaggedEntity]], _ expected: JSONValue) -> Bool {
        let expected = (expected.arrayValue ?? []).map { sentence in
            (sentence.arrayValue ?? []).map { entity in
                let parts = entity.arrayValue ?? []
                return TaggedEntity(
                    type: parts[0].stringValue ?? "",
                    words: (parts[1].intValue ?? 0)..<(parts[2].intValue ?? 0))
            }
        }
        return sentences == expected
    }

    @Test("reports, accuracy and entities equal seqeval's, lenient and strict")
    func golden() throws {
        let cases = try #require(JSONValue.load(contentsOf: Self.file).arrayValue)
        #expect(cases.count >= 500)
        var different = 0
        var schemes: [TagScheme: Int] = [:]
        for example in cases where different < 5 {
            let parts = try #require(example.arrayValue)
            let scheme = try #require(TagScheme(rawValue: parts[0].stringValue ?? ""))
            let (actual, predicted) = (sentences(parts[1]), sentences(parts[2]))
            schemes[scheme, default: 0] += 1
            for (reading, report, entities) in [
                (EntityReading.lenient, parts[3], parts[6]), (.strict(scheme), parts[4], parts[7]),
            ] {
                let metrics = try EntityMetrics(predictions: predicted, references: actual, reading: reading)
                let accuracy = try #require(parts[5].doubleValue)
                let read = try predicted.map(reading.entities)
                let fits =
                    isEqual(metrics, report) && abs(metrics.accuracy - accuracy) <= 1e-12
                    && isEqual(read, entities)
                if !fits {
                    different += 1
                    Issue.record("\(reading) \(example.serialized()): \(rows(metrics))")
                }
            }
        }
        #expect(schemes.count == 5)
    }

    @Test("counted sentence by sentence, the metrics are those of all")
    func counter() throws {
        let actual = [["B-A", "I-A", "O"], ["B-B"]]
        let predicted = [["B-A", "O", "O"], ["B-B"]]
        var counter = EntityCounter()
        for (prediction, reference) in zip(predicted, actual) {
            try counter.add(prediction: prediction, reference: reference)
        }
        let metrics = try EntityMetrics(predictions: predicted, references: actual)
        #expect(counter.metrics == metrics)
        #expect(metrics.micro == .init(precision: 0.5, recall: 0.5, f1: 0.5, support: 2))
        #expect(metrics.accuracy == 0.75 && metrics.wordCount == 4)
    }

    @Test("without sentences all scores are 0")
    func empty() throws {
        let metrics = EntityCounter().metrics
        #expect(metrics.types.isEmpty && metrics.accuracy == 0)
        #expect(
            metrics.macro == .init(precision: 0, recall: 0, f1: 0, support: 0)
                && metrics.weighted == metrics.macro)
    }

    @Test("numbers that differ, and tags of another scheme in strict reading, are refused")
    func refusals() {
        #expect(throws: EntityMetricsError.self) { try EntityMetrics(predictions: [["O"]], references: []) }
        #expect(throws: EntityMetricsError.self) {
            try EntityMetrics(predictions: [["O"]], references: [["O", "O"]])
        }
        #expect(throws: EntityMetricsError.self) {
            try EntityMetrics(predictions: [["S-A"]], references: [["O"]], reading: .strict(.iob2))
        }
        #expect(throws: EntityMetricsError.self) {
            try EntityMetrics(predictions: [["x"]], references: [["O"]], reading: .strict(.iobes))
        }
    }
}
