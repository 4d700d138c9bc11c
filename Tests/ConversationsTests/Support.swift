import ChatTemplates
import Datasets
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

@testable import Conversations

/// What scripts/fixtures/conversations.py has written, and helpers to use it.
enum Support {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let names = ["bytes", "pieces", "begin"]

    static func encoder(
        _ name: String, template: String? = nil, maxLength: Int? = nil, threads: Int? = 1
    ) throws -> TrainingTextEncoder {
        try TrainingTextEncoder.load(
            directory: fixtures.appending(path: name),
            options: TrainingTextOptions(maxLength: maxLength, templateName: template, threads: threads))
    }

    /// Writes a file, calls the body with it, and removes it.
    static func withFile(_ bytes: [UInt8], as name: String = "d.jsonl", _ body: (URL) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: name)
            try Data(bytes).write(to: file)
            try body(file)
        }
    }

    static func lines(_ objects: [JSONValue]) -> [UInt8] {
        Array(objects.map { $0.serialized() + "\n" }.joined().utf8)
    }

    /// The records of a file.
    static func records(_ text: String, columns: RecordColumns = RecordColumns()) throws -> [TrainingRecord] {
        var records: [TrainingRecord] = []
        try withFile(Array(text.utf8)) { url in
            let stream = try TrainingRecordStream(url, columns: columns)
            while let record = try stream.next() { records.append(record) }
        }
        return records
    }

    /// The message with which a file is refused, without its folder.
    static func refusal(_ text: String, columns: RecordColumns = RecordColumns()) -> String {
        do {
            _ = try records(text, columns: columns)
            return "not refused"
        } catch let error as DatasetError {
            return shortened(error.description)
        } catch { return "\(type(of: error)): \(error)" }
    }

    static func shortened(_ message: String) -> String {
        #expect(!message.contains("\n"))
        guard let place = message.range(of: "d.jsonl") else { return message }
        return String(message[place.lowerBound...])
    }

    /// Reads all texts of a file.
    static func read(
        _ bytes: [UInt8], _ encoder: TrainingTextEncoder, limit: Int = 1024
    ) throws -> (texts: [TokenizedText], survey: TextSurvey) {
        var result: (texts: [TokenizedText], survey: TextSurvey) = ([], TextSurvey())
        try withFile(bytes) { url in
            let stream = try TokenizedTextStream(url, encoder: encoder)
            while let texts = try stream.next(limit) { result.texts += texts }
            result.survey = stream.survey
        }
        return result
    }
}
