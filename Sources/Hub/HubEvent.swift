/// What happens while files are fetched.
public enum HubEvent: Sendable, Equatable {
    /// Something the user should know; the work goes on.
    case warning(String)
    /// How far the files are, after each piece.
    case progress(HubProgress)
}

/// How far the files are. Sizes in bytes.
public struct HubProgress: Sendable, Equatable {
    /// The file that moved.
    public var file: String
    /// What has come of all files together, what was there from an earlier attempt included.
    public var completed: Int
    /// The size of all files together.
    public var total: Int
    public var filesCompleted: Int
    public var filesTotal: Int
}
