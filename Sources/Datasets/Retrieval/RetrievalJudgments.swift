import Foundation

/// A file of qrels: for pairs of a query and a document how relevant it is.
struct RetrievalJudgments {
    /// By the index of a query, the relevance of documents by their indices.
    private(set) var relevance: [Int: [Int: Double]] = [:]

    /// - Throws: ``DatasetError`` that names file and line.
    init(_ url: URL, queries: RetrievalSet.Texts, documents: RetrievalSet.Texts) throws {
        let stream = try ObjectStream(
            url, readsAll: DelimitedFormat(delimiter: 0x09, quoting: .off),
            chunkSize: 1 << 18)
        let (queryPlaces, documentPlaces) = (Self.places(queries), Self.places(documents))
        var lines: [Pair: Int] = [:]
        while let row = try stream.next() {
            let (query, document, score) = try Self.fields(row, stream)
            guard let queryPlace = queryPlaces[Array(query.utf8)] else {
                throw Self.unknown("query", query, queries, row, stream)
            }
            guard let documentPlace = documentPlaces[Array(document.utf8)] else {
                throw Self.unknown("document", document, documents, row, stream)
            }
            if let earlier = lines.updateValue(
                row.line, forKey: Pair(query: queryPlace, document: documentPlace))
            {
                throw stream.error(
                    about: row,
                    "the query '\(shown(query))' and the document '\(shown(document))' were judged on line \(earlier) already; "
                        + "leave one of both out")
            }
            relevance[queryPlace, default: [:]][documentPlace] = score
        }
    }

    private struct Pair: Hashable {
        let query: Int
        let document: Int
    }

    private static func places(_ texts: RetrievalSet.Texts) -> [[UInt8]: Int] {
        Dictionary(uniqueKeysWithValues: texts.ids.enumerated().map { (Array($1.utf8), $0) })
    }

    private static func unknown(
        _ what: String, _ id: String, _ texts: RetrievalSet.Texts, _ row: ObjectRow, _ stream: ObjectStream
    ) -> DatasetError {
        stream.error(
            about: row,
            "there is no \(what) '\(shown(id))' in \(texts.file.lastPathComponent); use the files that belong together"
        )
    }

    /// The columns, as BEIR names them.
    private static let columns = ["query-id", "corpus-id", "score"]

    private static func fields(_ row: ObjectRow, _ stream: ObjectStream) throws -> (String, String, Double) {
        let values = columns.compactMap { row.object[$0]?.stringValue }
        guard values.count == columns.count else {
            let names = row.object.keys
            // A first line that is a judgment would be lost as a header.
            let hint =
                names.last.flatMap(Double.init) == nil
                ? "" : "; its first line looks like a judgment, and a header is missing before it"
            throw DatasetError(
                stream.path,
                "the columns must be \(columns.joined(separator: ", ")), between tabs, but are \(list(names))\(hint)"
            )
        }
        guard isNumber(values[2]), let score = Double(values[2]), score.isFinite else {
            throw stream.error(
                about: row,
                "the score '\(shown(values[2]))' is no number; write how relevant the document is, like 1")
        }
        return (values[0], values[1], score)
    }
}
