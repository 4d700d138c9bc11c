#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The kind of file at a path, following symbolic links.
public enum FileKind: Sendable {
    case missing, regular, directory, other

    /// Asks the system.
    ///
    /// - Parameter location: The place; where the system does not say, nothing is there.
    public init(_ location: some FileLocation) {
        var status = stat()
        guard stat(location.plainPath, &status) == 0 else {
            self = .missing
            return
        }
        self.init(status)
    }

    init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        default: self = .other
        }
    }
}
