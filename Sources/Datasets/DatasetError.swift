/// A data file that cannot be used, in one line that names the file, the line and what to do.
public struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        // Also where a file's name has line ends.
        self.description =
            description.contains { $0.isNewline } ? Datasets.shown(description, limit: .max) : description
    }

    /// Returns a text from a file as an error shows it: on one line, and at most 100 characters of it.
    ///
    /// - Parameter text: The text.
    public static func shown(_ text: String) -> String { Datasets.shown(text) }

    /// Names as an error shows them: not many, and none of them long.
    public static func list(_ names: [String]) -> String { Datasets.list(names) }

    /// A file whose contents changed while they were read.
    public static func changed(_ path: String) -> DatasetError {
        DatasetError(path, "the file changed while it was read; start again when it is complete")
    }

    init(_ path: String, line: Int? = nil, _ reason: String) {
        self.init(line.map { "\(path), line \($0): \(reason)" } ?? "\(path): \(reason)")
    }

    /// - Parameter row: The row that is wrong, which knows whether it is a line.
    init(_ path: String, at row: TextRow, _ reason: String) {
        self.init("\(path), \(row.unit.rawValue) \(row.line): \(reason)")
    }
}
