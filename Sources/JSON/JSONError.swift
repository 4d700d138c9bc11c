/// A reason why JSON could not be read.
public enum JSONError: Error, Sendable, Equatable {
    /// The text is not JSON. Line and column count from 1, columns in code points.
    case syntax(file: String?, line: Int, column: Int, reason: String)
    /// The file could not be read.
    case unreadable(file: String, reason: String)

    /// The same error, with the file's name added.
    func inFile(_ file: String) -> JSONError {
        switch self {
        case .syntax(_, let line, let column, let reason):
            .syntax(file: file, line: line, column: column, reason: reason)
        case .unreadable: self
        }
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .syntax(let file, let line, let column, let reason):
            "\(file.map { $0 + ": " } ?? "")line \(line), column \(column): \(reason)"
        case .unreadable(let file, let reason):
            "\(file): \(reason)"
        }
    }
}
