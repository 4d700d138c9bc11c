/// A reason why a file or directory could not be used. Each case names the path.
public enum FileError: Error, Sendable, Equatable {
    /// Nothing is there.
    case missing(String)
    /// A directory was needed; something else is there.
    case notADirectory(String)
    /// A regular file was needed; something else is there.
    case notAFile(String)
    /// The output directory exists and is not empty.
    case exists(String)
    /// Another process is writing it; its identifier, where that is known.
    case busy(String, owner: Int?)
    /// Reading failed, with the system's reason.
    case readFailed(String, reason: String)
    /// Writing failed, with the system's reason (such as "No space left on device").
    case writeFailed(String, reason: String)
    /// A program could not be started, with the system's reason.
    case notStarted(String, reason: String)
}

extension FileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file or directory; check the path"
        case .notADirectory(let path): "\(path): is not a directory; give a directory"
        case .notAFile(let path): "\(path): is not a regular file; give a file"
        case .exists(let path):
            "\(path): exists and is not empty; pass --overwrite to replace it, or name another directory"
        case .busy(let path, let owner):
            "\(path): another run is writing it\(owner.map { " (process \($0))" } ?? ""); wait until it ends, or name "
                + "another output"
        case .readFailed(let path, let reason): "\(path): cannot be read: \(reason)"
        case .writeFailed(let path, let reason): "\(path): cannot be written: \(reason)"
        case .notStarted(let path, let reason): "\(path): cannot be started: \(reason)"
        }
    }
}
