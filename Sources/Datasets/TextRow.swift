/// A row of a data file before its label is understood.
public struct TextRow: Sendable, Equatable {
    public var text: String
    /// The second text, for tasks on pairs.
    public var pair: String?
    /// The label as it is written; `nil` where the file has none.
    public var label: String?
    /// The line on which the row begins, counted from 1.
    public var line: Int

    /// The row with its label trimmed.
    ///
    /// - Throws: ``DatasetError`` for empty texts and labels.
    func checked(_ path: String) throws -> TextRow {
        func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
        guard !isBlank(text) else {
            throw DatasetError(path, line: line, "the text is empty; remove the row or fill it")
        }
        if let pair, isBlank(pair) {
            throw DatasetError(path, line: line, "the second text is empty; remove the row or fill it")
        }
        var row = self
        row.label = label.map(trimmed)
        if row.label?.isEmpty == true {
            throw DatasetError(path, line: line, "the label is empty; remove the row or fill it")
        }
        return row
    }

    /// Without spaces and tabs around it.
    private func trimmed(_ text: String) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard text.utf8.first.map(isSpace) == true || text.utf8.last.map(isSpace) == true else { return text }
        return String(
            decoding: text.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed(), as: UTF8.self
        )
    }
}
