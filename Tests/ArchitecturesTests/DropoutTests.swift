import Architectures
import Foundation
import JSON
import Testing

@Suite("Dropout of all parts of a model")
struct DropoutTests {
    /// Fields that no model here has a part for: heads of other tasks.
    private static let elsewhere: Set = ["qa_dropout", "summary_first_dropout", "summary_last_dropout"]

    private static let names =
        FamilyNamesTests.names
        + ((try? FileManager.default.contentsOfDirectory(atPath: fixture("decoders").path)) ?? []).sorted()
        .map { "decoders/\($0)" }

    @Test("every field of dropout takes the value, and is read again", arguments: names)
    func fields(_ name: String) throws {
        var configuration = try ModelConfiguration(contentsOf: fixture(name))
        let before = configuration.json()
        configuration.setDropout(0.25)
        let json = configuration.json()
        let fields = json.filter {
            ($0.key.contains("dropout") || $0.key.contains("pdrop")) && !Self.elsewhere.contains($0.key)
                && $0.value != .null
        }
        #expect(!fields.isEmpty && fields.allSatisfy { $0.value == .number(0.25) }, "\(fields)")
        // Nothing else changes but what was absent and has a default.
        for (key, value) in before where !key.contains("drop") {
            #expect(json[key] == value, "\(key)")
        }
        let again = try ModelConfiguration(json: json, source: "config.json")
        #expect(again.attentionProbsDropoutProb == 0.25)
        #expect(again.json() == json)
        configuration.setDropout(0)
        #expect(
            try ModelConfiguration(json: configuration.json(), source: "config.json")
                .attentionProbsDropoutProb == 0)
    }
}
