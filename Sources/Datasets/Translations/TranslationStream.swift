import Foundation
import JSON

/// The columns of parallel sentences.
public struct TranslationColumns: Sendable, Equatable {
    /// The column of the text.
    public var source: String
    /// The columns of its translations, at least one.
    public var translations: [String]

    public init(source: String, translations: [String]) {
        (self.source, self.translations) = (source, translations)
    }
}

/// A text and its translations.
public struct TranslatedText: Sendable {
    public let source: String
    /// Those that the row has, at least one.
    public let translations: [String]
    /// Where it stands, for errors.
    public let row: ObjectRow
}

/// Reads parallel sentences from CSV, tab-separated values, JSON lines or Parquet.
///
/// In JSON a row may have its languages in an object of their own, under `translation`. A row may lack some of the translations.
public final class TranslationStream {
    public let path: String
    private let columns: TranslationColumns
    private let stream: ObjectStream
    /// The columns that had a text so far.
    private var found: Set<String> = []
    private var names: [String] = []

    /// - Parameters:
    ///   - url: The file, or a pattern of several.
    ///   - columns: The columns of the text and its translations.
    ///   - delimited: The delimiter and quoting of CSV and tab-separated values.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(_ url: URL, _ columns: TranslationColumns, delimited: DelimitedFormat = DelimitedFormat())
        throws
    {
        self.columns = columns
        stream = try ObjectStream(url, readsAll: delimited, chunkSize: 1 << 18)
        path = stream.path
    }

    /// The next text; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` that names file and line for a row without text or translation, and the file where a column never has
    ///   one.
    public func next() throws -> TranslatedText? {
        guard let row = try stream.next() else {
            if let missing = columns.translations.first(where: { !found.contains($0) }) {
                throw DatasetError(
                    path,
                    "no row has a text in the column '\(shown(missing))'; the columns are \(list(names)); choose with "
                        + "--translation-column")
            }
            return nil
        }
        var object = row.object
        if object[columns.source] == nil, let inner = object["translation"]?.objectValue { object = inner }
        if names.isEmpty { names = object.keys }
        guard let source = try text(columns.source, of: object, row) else {
            throw stream.error(
                about: row,
                object[columns.source] == nil
                    ? "has no column '\(shown(columns.source))'; the columns are \(list(object.keys)); choose with --source-column"
                    : "the text is empty; remove the row or fill it")
        }
        var translations: [String] = []
        for column in columns.translations {
            guard let text = try text(column, of: object, row) else { continue }
            found.insert(column)
            translations.append(text)
        }
        guard !translations.isEmpty else {
            throw stream.error(
                about: row,
                "has no translation in \(list(columns.translations)); its columns are \(list(object.keys)); remove the row, or choose with "
                    + "--translation-column")
        }
        return TranslatedText(source: source, translations: translations, row: row.place)
    }

    /// The next texts, at most `limit`, and fewer where they are long; none at the end.
    public func texts(_ limit: Int) throws -> [TranslatedText] {
        var (texts, bytes) = ([TranslatedText](), 0)
        while texts.count < limit, bytes < Limits.chunk, let text = try next() {
            bytes += text.translations.reduce(text.source.utf8.count) { $0 + $1.utf8.count }
            texts.append(text)
        }
        return texts
    }

    /// The SHA-256 of the file, once the end has been reached.
    public var sha256: String { stream.sha256 }

    /// The function that makes errors about rows of this file.
    public var errors: @Sendable (_ row: ObjectRow, _ reason: String) -> DatasetError { stream.errors }

    /// A column's text; `nil` where there is none, or a blank one.
    private func text(_ column: String, of object: JSONObject, _ row: ObjectRow) throws -> String? {
        guard let value = object[column], !value.isNull else { return nil }
        guard let text = value.stringValue else {
            throw stream.error(about: row, "'\(shown(column))' must be a string, got \(value.typeName)")
        }
        return isBlank(text) ? nil : text
    }
}
