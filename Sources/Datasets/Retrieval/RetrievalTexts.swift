import Foundation
import JSON

/// The form of a retrieval data set's files.
public enum RetrievalForm: String, Sendable {
    /// A directory in the form of BEIR (Thakur et al., arXiv 2104.08663): `corpus.jsonl` and `queries.jsonl` with `_id` and `text`,
    /// of documents also `title`, and `qrels/*.tsv`.
    case beir
    /// JSON lines, each a `query` with the texts of its `positives`, and of other documents as `negatives`. Equal texts are one
    /// document.
    case lines
}

/// The texts of a retrieval data set: its queries or its documents.
public enum RetrievalPart: String, Sendable {
    case queries, documents
}

/// A query or a document as a file has it.
public struct RetrievalText: Sendable {
    public let id: String
    public let text: String
    /// Where it stands, for errors.
    public let row: ObjectRow
}

/// Reads the queries or the documents of a retrieval data set, one after another.
public final class RetrievalTextStream {
    /// The file's path.
    public let path: String
    private let part: RetrievalPart
    private let form: RetrievalForm
    private let stream: ObjectStream
    /// Of JSON lines: what the last line had, and the texts of documents so far.
    private var pending: [RetrievalText] = []
    private var seen: Set<[UInt8]> = []
    private var count = 0

    /// - Parameters:
    ///   - url: The file of the texts.
    ///   - part: What is read of it.
    ///   - form: The form of the data set.
    /// - Throws: ``DatasetError`` where it is no JSON lines file; `FileError` where it cannot be read.
    public init(_ url: URL, _ part: RetrievalPart, form: RetrievalForm) throws {
        (self.part, self.form) = (part, form)
        stream = try ObjectStream(url, format: .jsonl)
        path = stream.path
    }

    /// The next text; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` that names file and line where something is missing or of another type.
    public func next() throws -> RetrievalText? {
        guard form == .lines else {
            guard let row = try stream.next() else { return nil }
            return try text(row)
        }
        while pending.isEmpty {
            guard let row = try stream.next() else { return nil }
            pending = try texts(ofLine: row).reversed()
        }
        return pending.popLast()
    }

    /// The next texts, at most `limit`, and fewer where they are long; none at the end.
    public func texts(_ limit: Int) throws -> [RetrievalText] {
        var (texts, bytes) = ([RetrievalText](), 0)
        while texts.count < limit, bytes < Limits.chunk, let text = try next() {
            bytes += text.text.utf8.count
            texts.append(text)
        }
        return texts
    }

    /// The SHA-256 of the file, once the end has been reached.
    public var sha256: String { stream.sha256 }

    /// The function that makes errors about rows of this file.
    public var errors: @Sendable (_ row: ObjectRow, _ reason: String) -> DatasetError { stream.errors }

    // MARK: - BEIR

    private func text(_ row: ObjectRow) throws -> RetrievalText {
        guard let value = row.object["_id"], let id = value.stringValue ?? value.intValue.map(String.init),
            !id.isEmpty
        else {
            throw stream.error(
                about: row, "has no '_id', which names it for qrels; give each line one, a text")
        }
        var text = try string("text", of: row)
        if part == .documents, let title = row.object["title"], !title.isNull {
            guard let title = title.stringValue else {
                throw stream.error(about: row, "'title' must be a string, got \(title.typeName)")
            }
            // As BEIR joins both.
            text = trimmed(title + " " + text)
        }
        return RetrievalText(id: id, text: text, row: row.place)
    }

    private func string(_ key: String, of row: ObjectRow) throws -> String {
        guard let value = row.object[key] else {
            throw stream.error(
                about: row,
                "has no '\(key)'; its keys are \(list(row.object.keys))")
        }
        guard let text = value.stringValue else {
            throw stream.error(about: row, "'\(key)' must be a string, got \(value.typeName)")
        }
        return text
    }

    private func trimmed(_ text: String) -> String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    // MARK: - JSON lines

    private func texts(ofLine row: ObjectRow) throws -> [RetrievalText] {
        let line = try RetrievalLine(row, of: stream)
        let place = row.place
        guard part == .documents else {
            count += 1
            return [RetrievalText(id: "\(count)", text: line.query, row: place)]
        }
        return (line.positives + line.negatives).compactMap { text in
            guard seen.insert(Array(text.utf8)).inserted else { return nil }
            count += 1
            return RetrievalText(id: "\(count)", text: text, row: place)
        }
    }
}

/// A line of JSON lines: a query and documents.
struct RetrievalLine {
    let query: String
    let positives: [String]
    let negatives: [String]

    /// - Throws: ``DatasetError`` that names file and line.
    init(_ row: ObjectRow, of stream: ObjectStream) throws {
        guard let query = row.object["query"]?.stringValue, !isBlank(query) else {
            throw stream.error(
                about: row,
                "has no text under 'query'; a line is {\"query\": …, \"positives\": […]}, its keys are \(list(row.object.keys))"
            )
        }
        self.query = query
        positives = try Self.texts(["positives", "positive", "pos"], row, stream)
        negatives = try Self.texts(["negatives", "negative", "neg"], row, stream)
        guard !positives.isEmpty else {
            throw stream.error(
                about: row, "has no 'positives'; name the texts that answer the query, at least one")
        }
        let wrong = Set(positives.map { Array($0.utf8) })
        if let both = negatives.first(where: { wrong.contains(Array($0.utf8)) }) {
            throw stream.error(
                about: row, "the text '\(shown(both))' is among the positives and the negatives; take one out"
            )
        }
    }

    private static func texts(_ keys: [String], _ row: ObjectRow, _ stream: ObjectStream) throws -> [String] {
        guard let key = keys.first(where: { row.object[$0] != nil }), let value = row.object[key],
            !value.isNull
        else { return [] }
        return try (value.arrayValue ?? [value]).map { element in
            guard let text = element.stringValue, !isBlank(text) else {
                throw stream.error(
                    about: row, "'\(key)' must be a text or a list of texts, none of them empty")
            }
            return text
        }
    }
}
