import Foundation

/// Queries, documents, and which documents are relevant to which query, checked against one another.
///
/// The texts themselves stay in their files, where ``RetrievalTextStream`` reads them: a corpus may be larger than memory.
public struct RetrievalSet: Sendable {
    /// Queries or documents.
    public struct Texts: Sendable {
        /// The file that has them.
        public let file: URL
        /// Their names, in the order of the file.
        public let ids: [String]
        /// The number of those without text.
        public internal(set) var emptyCount = 0
        /// The line of the first of them.
        var firstEmpty = 0
    }

    /// A query to which documents are relevant.
    public struct EvaluatedQuery: Sendable, Equatable {
        /// The index of the query.
        public let query: Int
        /// The relevance of documents by their indices, above 0.
        public let relevance: [Int: Double]

        public init(query: Int, relevance: [Int: Double]) {
            (self.query, self.relevance) = (query, relevance)
        }
    }

    public let form: RetrievalForm
    /// The directory or file.
    public let path: String
    public let queries: Texts
    public let documents: Texts
    /// The file that says what is relevant.
    public let judgments: URL
    /// The queries to which something is relevant, in the order of the file of queries.
    public let evaluated: [EvaluatedQuery]
    /// Lines for the user about what is not used.
    public let notes: [String]

    /// True if some documents are more relevant than others.
    public var isGraded: Bool {
        let grades = evaluated.lazy.flatMap(\.relevance.values)
        return Set(grades).count > 1
    }

    /// The number of pairs of a query and a document that is relevant to it.
    public var relevantCount: Int { evaluated.reduce(0) { $0 + $1.relevance.count } }

    /// Reads a data set, but for its texts.
    ///
    /// - Parameters:
    ///   - url: A directory in BEIR's form, one of the files in its `qrels`, or JSON lines (see ``RetrievalForm``).
    ///   - splits: The names of the qrels that are taken of several, the first there is.
    /// - Throws: ``DatasetError`` that names file and line for what is missing, twice there, unknown or no number; `FileError`.
    public init(contentsOf url: URL, splits: [String] = ["test"]) throws {
        path = url.path(percentEncoded: false)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DatasetError(path, "there is no such directory or file; check the path")
        }
        guard isDirectory.boolValue || url.isJudgments else {
            form = .lines
            (judgments, notes) = (url, [])
            (queries, documents, evaluated) = try Self.lines(url)
            return
        }
        form = .beir
        let folder =
            isDirectory.boolValue ? url : url.deletingLastPathComponent().deletingLastPathComponent()
        judgments = isDirectory.boolValue ? try Self.judgments(in: folder, splits) : url
        documents = try Self.texts(Self.file("corpus", in: folder), .documents)
        queries = try Self.texts(Self.file("queries", in: folder), .queries)
        let relevance = try RetrievalJudgments(judgments, queries: queries, documents: documents).relevance
        evaluated = relevance.keys.sorted().compactMap { query in
            let relevant = (relevance[query] ?? [:]).filter { $0.value > 0 }
            return relevant.isEmpty ? nil : EvaluatedQuery(query: query, relevance: relevant)
        }
        guard !evaluated.isEmpty else {
            throw DatasetError(
                judgments.path(percentEncoded: false),
                "no document is relevant to a query: every score is 0 or less; give another file of qrels")
        }
        notes = Self.notes(path, queries: queries, documents: documents, evaluated: evaluated.count)
    }

    private static func notes(_ path: String, queries: Texts, documents: Texts, evaluated: Int) -> [String] {
        var notes: [String] = []
        if evaluated < queries.ids.count {
            notes.append(
                "\(path): \(queries.ids.count - evaluated) of \(queries.ids.count) queries have no relevant document in the qrels and are "
                    + "left out.")
        }
        for texts in [documents, queries] where texts.emptyCount > 0 {
            notes.append(
                "\(texts.file.path(percentEncoded: false)): \(texts.emptyCount) of \(texts.ids.count) texts are empty, the first on line "
                    + "\(texts.firstEmpty); they are searched like others.")
        }
        return notes
    }

    // MARK: - Files

    /// `NAME.jsonl` or `NAME.jsonl.gz`.
    private static func file(_ name: String, in folder: URL) throws -> URL {
        let found = ["\(name).jsonl", "\(name).jsonl.gz"].map { folder.appending(path: $0) }.first {
            FileManager.default.fileExists(atPath: $0.path(percentEncoded: false))
        }
        guard let found else {
            throw DatasetError(
                folder.path(percentEncoded: false),
                "has no \(name).jsonl; a directory in BEIR's form has corpus.jsonl, queries.jsonl and qrels/test.tsv"
            )
        }
        return found
    }

    private static func judgments(in folder: URL, _ splits: [String]) throws -> URL {
        let directory = folder.appending(path: "qrels")
        let path = directory.path(percentEncoded: false)
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter {
            URL(filePath: $0).isTable
        }.sorted()
        guard !names.isEmpty else {
            throw DatasetError(
                folder.path(percentEncoded: false),
                "has no qrels/*.tsv, which say what is relevant; add one with the columns query-id, corpus-id and score"
            )
        }
        let wanted = splits.lazy.compactMap { split in names.first { $0.hasPrefix(split + ".") } }.first
        guard let name = wanted ?? (names.count == 1 ? names[0] : nil) else {
            throw DatasetError(
                path,
                "has \(list(names)), but none for \(splits.joined(separator: " or ")); give the file itself")
        }
        return directory.appending(path: name)
    }

    private static func texts(_ file: URL, _ part: RetrievalPart) throws -> Texts {
        let stream = try RetrievalTextStream(file, part, form: .beir)
        var (ids, lines): ([String], [[UInt8]: Int]) = ([], [:])
        var (emptyCount, firstEmpty) = (0, 0)
        while let text = try stream.next() {
            if let earlier = lines.updateValue(text.row.line, forKey: Array(text.id.utf8)) {
                throw stream.errors(
                    text.row,
                    "the _id '\(shown(text.id))' was on line \(earlier) already; give each text one of its own"
                )
            }
            if isBlank(text.text) {
                if emptyCount == 0 { firstEmpty = text.row.line }
                emptyCount += 1
            }
            ids.append(text.id)
        }
        return Texts(file: file, ids: ids, emptyCount: emptyCount, firstEmpty: firstEmpty)
    }

    // MARK: - JSON lines

    private static func lines(_ url: URL) throws -> (
        queries: Texts, documents: Texts, evaluated: [EvaluatedQuery]
    ) {
        let stream = try ObjectStream(url, format: .jsonl)
        var (queries, places, evaluated): ([String], [[UInt8]: Int], [EvaluatedQuery]) = ([], [:], [])
        while let row = try stream.next() {
            let line = try RetrievalLine(row, of: stream)
            // The order in which RetrievalTextStream gives them.
            func place(_ text: String) -> Int {
                let key = Array(text.utf8)
                let place = places[key] ?? places.count
                places[key] = place
                return place
            }
            let positives = Set(line.positives.map(place))
            for text in line.negatives { _ = place(text) }
            evaluated.append(
                EvaluatedQuery(
                    query: queries.count,
                    relevance: Dictionary(uniqueKeysWithValues: positives.map { ($0, 1.0) })))
            queries.append("\(queries.count + 1)")
        }
        return (
            Texts(file: url, ids: queries), Texts(file: url, ids: (0..<places.count).map { "\($0 + 1)" }),
            evaluated
        )
    }
}

extension URL {
    /// True of a table by its name, plain or gzip.
    fileprivate var isTable: Bool {
        let plain = pathExtension.lowercased() == "gz" ? deletingPathExtension() : self
        return plain.pathExtension.lowercased() == "tsv"
    }

    /// True of a file of qrels.
    fileprivate var isJudgments: Bool {
        isTable && deletingLastPathComponent().lastPathComponent == "qrels"
    }
}
