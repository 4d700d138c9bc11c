import Datasets
import Foundation

/// Reads the queries or the documents of a retrieval data set, each of which gets a vector.
final class RetrievalReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: RetrievalTextStream
    private let prompt: String

    /// - Parameters:
    ///   - url: The file.
    ///   - source: What is read of it.
    ///   - prompt: The text that stands before each text.
    init(_ url: URL, _ source: RetrievalSource, prompt: String) throws {
        self.prompt = prompt
        stream = try RetrievalTextStream(url, source.part, form: source.form)
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let texts = try stream.texts(limit)
        guard !texts.isEmpty else { return nil }
        let (rows, errors) = (texts.map(\.row), stream.errors)
        return PairChunk(
            texts: texts.map { prompt + $0.text }, textsPerRow: 1, scores: nil,
            error: { errors(rows[$0], $1) })
    }
}

/// What a file of a retrieval data set is read for.
struct RetrievalSource: Sendable, Equatable {
    let part: RetrievalPart
    let form: RetrievalForm
}
