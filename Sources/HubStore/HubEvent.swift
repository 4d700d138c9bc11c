/// What happens while files are fetched.
public enum HubEvent: Sendable, Equatable {
    /// Something the user should know; the work goes on.
    case warning(String)
    /// How far the files are, after each piece.
    case progress(HubProgress)
}

/// How far the files are. Sizes in bytes.
public struct HubProgress: Sendable, Equatable, Codable {
    /// The file that moved.
    public var file: String
    /// What has come of all files together, what was there from an earlier attempt included.
    public var completed: Int
    /// The size of all files together.
    public var total: Int
    /// What has come of the file that moved.
    public var fileCompleted: Int
    /// That file's size; 0 where the server does not say.
    public var fileTotal: Int
    /// Whether that file is there, whole and checked.
    public var isFileDone: Bool
    /// How many files are there.
    public var filesCompleted: Int
    /// How many files there will be.
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
