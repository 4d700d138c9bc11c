/// Limits that no genuine data file exceeds. Beyond them there is an error instead of unbounded memory or time.
enum Limits {
    /// Bytes of a row: a few thousand times what the longest model reads.
    static let row = 64_000_000
    /// Columns of a table.
    static let columns = 100_000
    /// Files that a pattern matches, and directories on the way to them.
    static let files = 100_000
    /// Bytes of the rows that are handed on together.
    static let chunk = 16_000_000

    /// Returns the error for a row that exceeds the limit.
    static func rowError(_ path: String, line: Int, limit: Int = row) -> DatasetError {
        let size = limit >= 1_000_000 ? "\(limit / 1_000_000) MB" : "\(limit) bytes"
        return DatasetError(
            path, line: line,
            "the row that begins here is longer than \(size); cut its text, or check its quotes")
    }
}

/// A text from a file as an error shows it: not long, and on one line.
func shown(_ text: String, limit: Int = 100) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar {
        case "\n": scalars.append(contentsOf: "\\n".unicodeScalars)
        case "\r": scalars.append(contentsOf: "\\r".unicodeScalars)
        case "\t": scalars.append(contentsOf: "\\t".unicodeScalars)
        default: scalars.append(scalar)
        }
    }
    return String(scalars) + (text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
}
