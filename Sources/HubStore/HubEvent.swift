/// An event during a download.
public enum HubEvent: Sendable, Equatable {
    /// Something the user should know; the work goes on.
    case warning(String)
    /// The progress of the files, after each chunk.
    case progress(HubProgress)
}

/// The progress of the files. Sizes are in bytes.
public struct HubProgress: Sendable, Equatable, Codable {
    /// The file that moved.
    public var file: String
    /// The number of bytes present of all files together, including those of an earlier attempt.
    public var completed: Int
    /// The size of all files together.
    public var total: Int
    /// The number of bytes present of this file.
    public var fileCompleted: Int
    /// That file's size; 0 where the server does not say.
    public var fileTotal: Int
    /// True if this file is complete and verified.
    public var isFileDone: Bool
    /// The number of complete files.
    public var filesCompleted: Int
    /// The number of files in total.
    public var filesTotal: Int

    public init(
        file: String, completed: Int, total: Int, fileCompleted: Int, fileTotal: Int, isFileDone: Bool,
        filesCompleted: Int, filesTotal: Int
    ) {
        self.file = file
        self.completed = completed
        self.total = total
        self.fileCompleted = fileCompleted
        self.fileTotal = fileTotal
        self.isFileDone = isFileDone
        self.filesCompleted = filesCompleted
        self.filesTotal = filesTotal
    }
}
