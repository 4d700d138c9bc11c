import Datasets
import Files
import Foundation
import JSON
import Testing
import Tokenizers

@testable import Conversations

@Suite("Records as transformers makes tokens of them")
struct GoldenTests {
    private struct Case {
        let record: TrainingRecord
        let ids: [Int32]
        let mask: [Bool]
        let decoded: String
    }

    private static func cases(_ file: URL) throws -> [String: [Case]] {
        var cases: [String: [Case]] = [:]
        for item in try JSONValue.load(contentsOf: file).arrayValue ?? [] {
            let object = try #require(item.objectValue)
            let record = try #require(object["record"]?.objectValue)
            var parser = try RecordParser(RecordColumns()) { _, reason in DatasetError(reason) }
            let key = "\(object["tokenizer"]?.stringValue ?? "")/\(object["template"]?.stringValue ?? "")"
            cases[key, default: []].append(
                Case(
                    record: try parser.record(ObjectRow(record, line: 1)),
                    ids: (object["ids"]?.arrayValue ?? []).map { Int32($0.intValue ?? -1) },
                    mask: (object["mask"]?.arrayValue ?? []).map { $0.intValue == 1 },
                    decoded: object["decoded"]?.stringValue ?? ""))
        }
        return cases
    }

    private func check(_ cases: [String: [Case]]) throws {
        for (key, cases) in cases {
            let parts = key.split(separator: "/").map(String.init)
            let encoder = try Support.encoder(parts[0], template: parts[1])
            var different = 0
            for item in cases where different < 3 {
                let text = try encoder.encode(item.record)
                guard text.ids == item.ids, text.isTrained == item.mask else {
                    different += 1
                    Issue.record(
                        """
                        \(key): \(item.record.content)
                        ids \(text.ids)
                        not \(item.ids)
                        mask \(text.isTrained.map { $0 ? 1 : 0 })
                        not  \(item.mask.map { $0 ? 1 : 0 })
                        """)
                    continue
                }
                let marked = try MarkedText(text, tokenizer: encoder.tokenizer)
                #expect(marked.segments.map(\.text).joined().utf8.elementsEqual(item.decoded.utf8))
            }
        }
    }

    @Test("ids and masks equal transformers', and what is shown is what it decodes")
    func golden() throws {
        let cases = try Self.cases(Support.fixtures.appending(path: "cases.json"))
        #expect(cases.count == 7 && cases.values.allSatisfy { $0.count >= 24 })
        try check(cases)
    }

    @Test(
        "the same for many more records",
        .enabled(if: ProcessInfo.processInfo.environment["CONVERSATIONS_CASES"] != nil)
    )
    func many() throws {
        let file = try #require(ProcessInfo.processInfo.environment["CONVERSATIONS_CASES"])
        try check(Self.cases(URL(filePath: file)))
    }
}
