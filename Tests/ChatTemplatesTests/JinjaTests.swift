import Files
import Foundation
import JSON
import Testing

@testable import ChatTemplates

@Suite("Jinja's own output")
struct JinjaTests {
    @Test("Templates by hand give Jinja's bytes, and fail where Jinja fails")
    func byHand() throws {
        try expect(
            JinjaCase.list(Fixture.json("expressions.json"), Fixture.json("contexts.json")), atLeast: 400)
    }

    @Test("Random templates give Jinja's bytes, and fail where Jinja fails")
    func random() throws {
        try expect(JinjaCase.list(Fixture.json("random.json"), Fixture.json("contexts.json")), atLeast: 1000)
    }

    @Test(
        "Any number of random templates, written by scripts/fixtures/chat_templates.py --random",
        .enabled(if: ProcessInfo.processInfo.environment["CHAT_TEMPLATES_RANDOM"] != nil))
    func manyRandom() throws {
        let path = try #require(ProcessInfo.processInfo.environment["CHAT_TEMPLATES_RANDOM"])
        let file = try #require(
            try JSONValue.load(contentsOf: URL(filePath: path), dialect: .python).objectValue)
        try expect(JinjaCase.list(file["cases"] ?? [], file["contexts"] ?? []), atLeast: 1)
    }

    private func expect(_ cases: [JinjaCase], atLeast count: Int) throws {
        #expect(cases.count >= count)
        let differences = cases.compactMap(\.difference)
        #expect(
            differences.isEmpty,
            "\(differences.count) of \(cases.count):\n\(differences.prefix(40).joined(separator: "\n"))")
        let refused = cases.count { $0.isUnsupported && $0.output != nil }
        #expect(refused * 20 <= cases.count, "\(refused) of \(cases.count) are refused")
    }
}
