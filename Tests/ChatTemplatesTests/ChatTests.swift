import Files
import Foundation
import JSON
import Testing

@testable import ChatTemplates

@Suite("Chats as transformers renders them")
struct ChatTests {
    @Test("Small templates give transformers' bytes and spans, and fail where it fails")
    func small() throws { try expect(Fixture.json("chats.json")) }

    @Test(
        "Templates of real models, written by scripts/chat_templates.py",
        .enabled(if: ProcessInfo.processInfo.environment["CHAT_TEMPLATES_CASES"] != nil))
    func real() throws {
        let path = try #require(ProcessInfo.processInfo.environment["CHAT_TEMPLATES_CASES"])
        try expect(JSONValue.load(contentsOf: URL(filePath: path), dialect: .python))
    }

    private func expect(_ file: JSONValue) throws {
        let (templates, cases) = ChatCase.read(file)
        #expect(!cases.isEmpty)
        let differences = cases.compactMap { $0.difference(templates) }
        #expect(
            differences.isEmpty,
            "\(differences.count) of \(cases.count):\n\(differences.prefix(40).joined(separator: "\n"))")
        for template in templates.values { _ = try template.get() }
        print(
            "\(templates.count) templates, \(cases.count - differences.count) of \(cases.count) cases are equal"
        )
    }
}
