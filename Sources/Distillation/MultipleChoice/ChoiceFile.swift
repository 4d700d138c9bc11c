import Datasets
import Files
import Foundation
import JSON

/// A file of multiple-choice questions: JSON lines, plain or gzip.
///
/// A row has `query` (or `question`, `context`, `ctx`), `choices` (or `endings`) and `gold` (or `label`, `answer`, `answerKey`). The
/// choices are texts, or as in ARC an object of `text` and `label`. What is right is an index from 0, a list of such, or a text:
/// a choice's label, a choice itself, or an index. Two keys of the same meaning must say the same.
struct ChoiceFile {
    let questions: [ChoiceQuestion]
    let record: DataRecord
    /// Makes an error that names a question's file and line.
    let error: @Sendable (_ question: ChoiceQuestion, _ reason: String) -> DatasetError

    private static let queryKeys = ["query", "question", "context", "ctx"]
    private static let choiceKeys = ["choices", "endings"]
    private static let goldKeys = ["gold", "label", "answer", "answerKey"]

    /// Reads a file.
    ///
    /// - Throws: `DatasetError` that names file and line, also for a file without rows; `FileError`.
    init(_ url: URL) throws {
        let stream = try ObjectStream(url)
        var questions: [ChoiceQuestion] = []
        while let row = try stream.next() {
            do { questions.append(try Self.question(row)) } catch let problem as Problem {
                throw stream.error(about: row, problem.reason)
            }
        }
        self.questions = questions
        record = DataRecord(path: stream.path, examples: questions.count, sha256: stream.sha256)
        let errors = stream.errors
        error = { errors($0.row, $1) }
    }

    /// What is wrong with a row.
    private struct Problem: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func question(_ row: ObjectRow) throws -> ChoiceQuestion {
        let query = try agreed(
            row.object, queryKeys, "give all that stands before a choice as one text, in 'query'", same: ==,
            read: query)
        let (choices, labels) = try choices(row.object)
        var question = ChoiceQuestion(query: query, choices: choices, gold: [])
        question.gold = try agreed(
            row.object, goldKeys, "leave the one that is right", same: { Set($0) == Set($1) },
            read: { try gold($0, $1, choices, labels) })
        question.row = row.place
        return question
    }

    /// What all keys of one meaning say that an object has.
    private static func agreed<Value>(
        _ object: JSONObject, _ keys: [String], _ remedy: String, same: (Value, Value) -> Bool,
        read: (_ key: String, _ value: JSONValue) throws -> Value
    ) throws -> Value {
        let present = keys.compactMap { key in object[key].map { (key: key, value: $0) } }
        guard let first = present.first else { throw missing(keys, object) }
        let value = try read(first.key, first.value)
        for other in present.dropFirst() {
            guard let found = try? read(other.key, other.value), same(found, value) else {
                throw Problem("'\(first.key)' and '\(other.key)' mean the same here and differ; \(remedy)")
            }
        }
        return value
    }

    private static func missing(_ keys: [String], _ object: JSONObject) -> Problem {
        Problem(
            "there is no '\(keys[0])' (\(keys.dropFirst().map { "'\($0)'" }.joined(separator: ", ")) would do too); the keys are "
                + (object.isEmpty
                    ? "none" : object.keys.prefix(12).map { "'\($0.prefix(40))'" }.joined(separator: ", ")))
    }

    private static func choices(_ object: JSONObject) throws -> (texts: [String], labels: [String]?) {
        try agreed(
            object, choiceKeys, "leave the one that is right", same: { $0.0 == $1.0 },
            read: choices)
    }

    private static func query(_ key: String, _ value: JSONValue) throws -> String {
        guard let query = value.stringValue else {
            throw Problem("'\(key)' must be a text, got \(value.typeName)")
        }
        return query
    }

    private static func choices(_ key: String, _ value: JSONValue) throws -> (
        texts: [String], labels: [String]?
    ) {
        let list = value.objectValue?["text"] ?? value
        guard let elements = list.arrayValue else {
            throw Problem("'\(key)' must be a list of texts, got \(value.typeName)")
        }
        let texts = try elements.enumerated().map { index, element in
            guard let text = element.stringValue else {
                throw Problem("choice \(index + 1) must be a text, got \(element.typeName)")
            }
            guard !text.isEmpty else { throw Problem("choice \(index + 1) is empty; give it a text") }
            return text
        }
        guard texts.count > 1 else {
            throw Problem("there must be two or more choices, got \(texts.count)")
        }
        let labels = value.objectValue?["label"]?.arrayValue?.compactMap(\.stringValue)
        guard labels == nil || labels?.count == texts.count else {
            throw Problem("there are \(texts.count) choices and \(labels?.count ?? 0) labels of them")
        }
        return (texts, labels)
    }

    private static func gold(
        _ key: String, _ value: JSONValue, _ choices: [String], _ labels: [String]?
    ) throws -> [Int] {
        func index(_ value: JSONValue) throws -> Int {
            let number: Int?
            if let text = value.stringValue {
                let meanings = Set(
                    [labels?.firstIndex(of: text), choices.firstIndex(of: text)].compactMap(\.self))
                let asIndex =
                    labels == nil ? Int(text).flatMap { choices.indices.contains($0) ? $0 : nil } : nil
                guard meanings.union(asIndex.map { [$0] } ?? []).count <= 1 else {
                    throw Problem(
                        "'\(key)' is \"\(text.prefix(60))\", which is one choice's text and another's label or index; give the "
                            + "index from 0 as a number")
                }
                number = meanings.first ?? Int(text)
            } else {
                number = value.intValue
                if let number, let other = labels?.firstIndex(of: "\(number)"), other != number {
                    throw Problem(
                        "'\(key)' is \(number), which is one choice's index and another's label; give the label as a text, "
                            + "\"\(number)\"")
                }
            }
            guard let number else {
                throw Problem(
                    "'\(key)' must be a choice's index from 0, its label or its text, got \(value.serialized().prefix(60))"
                )
            }
            guard choices.indices.contains(number) else {
                throw Problem(
                    "'\(key)' is \(number), but the choices are numbered 0 to \(choices.count - 1)")
            }
            return number
        }
        guard let elements = value.arrayValue else { return [try index(value)] }
        guard !elements.isEmpty else {
            throw Problem("'\(key)' is an empty list; name a choice that is right")
        }
        return try elements.map(index)
    }
}
