import Datasets
import Foundation

/// Reads parallel sentences: each translation is a row with its text, so that a text counts as often as it has translations.
final class TranslationReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TranslationStream
    private let source: TranslationSource
    private let prompt: String

    /// - Parameters:
    ///   - url: The file.
    ///   - source: What is read of it.
    ///   - delimited: The delimiter and quoting of CSV and tab-separated values.
    ///   - prompt: The text that stands before each text.
    init(_ url: URL, _ source: TranslationSource, delimited: DelimitedFormat, prompt: String) throws {
        (self.source, self.prompt) = (source, prompt)
        stream = try TranslationStream(url, source.columns, delimited: delimited)
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let texts = try stream.texts(limit)
        guard !texts.isEmpty else { return nil }
        let errors = stream.errors
        let rows = texts.flatMap { text in text.translations.map { _ in text.row } }
        return PairChunk(
            texts: texts.flatMap { text in
                text.translations.flatMap {
                    [prompt + text.source, prompt + (source.readsSourcesAlone ? text.source : $0)]
                }
            }, textsPerRow: 2, scores: nil, areTranslations: !source.readsSourcesAlone,
            error: { errors(rows[$0], $1) })
    }
}

/// What a file of parallel sentences is read for.
struct TranslationSource: Sendable, Equatable {
    let columns: TranslationColumns
    /// True if the text stands in place of its translations: for a teacher, whose vector of the text is the target of both, and who need not
    /// know other languages.
    var readsSourcesAlone = false
}

extension DatasetLoader {
    /// The loader of texts that have no translations beside them.
    var plain: DatasetLoader {
        var plain = self
        plain.translations = nil
        return plain
    }
}
