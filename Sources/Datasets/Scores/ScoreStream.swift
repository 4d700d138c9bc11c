import Files
import Foundation
import JSON

/// Reads the scores of a teacher row by row, from CSV, TSV, JSON lines, JSON or Parquet, in whichever ``ScoreForm``.
///
/// ```swift
/// let stream = try ScoreStream(URL(filePath: "scores.jsonl"))
/// while let row = try stream.next() { print(row.text ?? "", row.values) }
/// ```
public final class ScoreStream {
    /// The columns and the format of a file of scores.
    public struct Options: Sendable, Equatable {
        /// The key or column of the scores, or the beginning of the columns' names; `nil` finds it.
        public var scoresColumn: String?
        /// The column of the text; `nil` finds it by its usual names, where there is one.
        public var textColumn: String?
        /// The column of the second text, of pairs.
        public var pairColumn: String?
        /// The delimiter and quoting of CSV and TSV.
        public var delimited = DelimitedFormat()

        public init() {}
    }

    /// The path of the file, or the pattern of several.
    public var path: String { objects.path }
    /// The form of the rows; known once there has been a row.
    public var form: ScoreForm? { layout?.form }
    /// The meaning of the scores by the name of their key; known once there has been a row.
    public var meaning: ScoreMeaning? { layout?.meaning }
    /// The key of the scores; known once there has been a row.
    public var key: String? { layout?.key }
    /// True if rows have texts; known once there has been a row.
    public var hasTexts: Bool { textKey != nil }
    /// True if rows have two texts; known once there has been a row.
    public var hasPairs: Bool { pairKey != nil }
    /// The SHA-256 of the file, once the end has been reached.
    public var sha256: String { objects.sha256 }

    private let objects: ObjectStream
    private let options: Options
    private var layout: ScoreLayout?
    private var (textKey, pairKey): (String?, String?)
    /// Keys of texts that may be anything, where none is known to be the text.
    private var otherKeys: [String] = []

    /// - Parameters:
    ///   - url: The file, or a pattern of several; its name determines the format.
    ///   - options: The columns and the format.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(_ url: URL, options: Options = Options(), chunkSize: Int = 1 << 18) throws {
        self.options = options
        objects = try ObjectStream(url, readsAll: options.delimited, chunkSize: chunkSize)
    }

    /// The next row.
    ///
    /// - Returns: The row; `nil` at the end.
    /// - Throws: ``DatasetError`` that names the file, the line and what to do.
    public func next() throws -> ScoreRow? {
        guard let row = try objects.next() else { return nil }
        do {
            let layout = try self.layout ?? begin(row.object)
            return ScoreRow(
                text: try text(textKey, row.object), pair: try text(pairKey, row.object),
                values: try layout.values(row.object),
                others: otherKeys.compactMap { row.object[$0]?.stringValue }, place: row.place)
        } catch let error as ScoreError {
            throw objects.error(about: row, error.reason)
        }
    }

    /// Makes an error about a row of this file, which names its file and line.
    public func error(about row: ScoreRow, _ reason: String) -> DatasetError {
        objects.error(about: row.place, reason)
    }

    /// Looks at the first row.
    private func begin(_ object: JSONObject) throws -> ScoreLayout {
        if let column = objects.unreadColumns.first(where: { isMeant($0.name) }) {
            throw ScoreError(
                "the column '\(shown(column.name))' is of type \(shown(column.type)), which is not read from Parquet; write lists of "
                    + "numbers, a column of numbers for each class, the column as JSON in a text, or JSON lines"
            )
        }
        let layout = try ScoreLayout(object, column: options.scoresColumn)
        let names = object.keys.filter {
            object[$0]?.stringValue != nil && $0 != layout.key && !layout.columns.contains($0)
        }
        for (name, option) in [
            (options.textColumn, "--text-column"), (options.pairColumn, "--text-pair-column"),
        ] {
            guard let name, !names.isEmpty, layout.key != "", object[name] != nil,
                object[name]?.stringValue == nil
            else { continue }
            throw ScoreError("'\(shown(name))' holds no texts; choose another with \(option)")
        }
        func chosen(_ name: String?) -> String? { name.flatMap { names.contains($0) ? $0 : nil } }
        if let text = chosen(options.textColumn) {
            (textKey, pairKey) = (text, chosen(options.pairColumn))
        } else if let (text, pair) = Columns.usual(names) {
            (textKey, pairKey) = (names[text], chosen(options.pairColumn) ?? pair.map { names[$0] })
        } else if names.contains("sequence") {
            textKey = "sequence"
        }
        if textKey == nil, layout.key != "" {
            if let key = ["text", "sentence", "sequence"].first(where: { key in
                object[key] != nil && key != layout.key && !layout.columns.contains(key)
            }) {
                throw ScoreError(
                    "'\(key)' must be the text that the scores are of, got \(object[key]?.typeName ?? "nothing")"
                )
            }
            otherKeys = names.filter { $0 != layout.confidence }
        }
        self.layout = layout
        return layout
    }

    /// Returns true for a column that would be taken for scores.
    private func isMeant(_ name: String) -> Bool {
        options.scoresColumn.map { name.utf8.elementsEqual($0.utf8) } ?? ScoreLayout.isUsual(name)
    }

    private func text(_ key: String?, _ object: JSONObject) throws -> String? {
        guard let key else { return nil }
        guard let text = object[key]?.stringValue else {
            throw ScoreError("'\(shown(key))' must be a text, as in the rows before")
        }
        return text
    }
}
