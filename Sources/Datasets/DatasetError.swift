/// A data file that cannot be used, in one line that names the file, the line and what to do.
public struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }

    init(_ path: String, line: Int? = nil, _ reason: String) {
        self.init(line.map { "\(path), line \($0): \(reason)" } ?? "\(path): \(reason)")
    }

    /// - Parameter row: The row that is wrong, which knows whether it is a line.
    init(_ path: String, at row: TextRow, _ reason: String) {
        self.init("\(path), \(row.unit.rawValue) \(row.line): \(reason)")
    }
}
