#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file or directory, whatever its name is now.
public struct FileIdentity: Sendable, Equatable {
    package let device: UInt64
    fileprivate let inode: UInt64

    /// - Returns: `nil` where nothing is there.
    public init?(path: String) {
        guard let status = fileStatus(path) else { return nil }
        self.init(status)
    }

    /// - Returns: `nil` where the system does not say.
    package init?(descriptor: Int32) {
        guard let status = fileStatus(descriptor) else { return nil }
        self.init(status)
    }

    fileprivate init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
}

/// The state of a file's contents: which file it is, its size, and when it was last written and changed in any way.
public struct FileVersion: Equatable, Sendable, CustomStringConvertible {
    private let identity: FileIdentity
    /// In bytes.
    public let size: Int
    private let modified: Time
    private let changed: Time

    private struct Time: Equatable, CustomStringConvertible {
        let seconds: Int
        let nanoseconds: Int
        var description: String { "\(seconds).\(nanoseconds)" }
    }

    /// The version of the file at a path; `nil` if there is none.
    public init?(_ location: some FileLocation) {
        guard let status = fileStatus(location.plainPath) else { return nil }
        self.init(status)
    }

    /// The state of an open file; `nil` where the system does not say.
    package init?(descriptor: Int32) {
        guard let status = fileStatus(descriptor) else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        identity = FileIdentity(status)
        size = Int(status.st_size)
        #if canImport(Darwin)
            let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
        #else
            let (modified, changed) = (status.st_mtim, status.st_ctim)
        #endif
        self.modified = Time(seconds: Int(modified.tv_sec), nanoseconds: Int(modified.tv_nsec))
        self.changed = Time(seconds: Int(changed.tv_sec), nanoseconds: Int(changed.tv_nsec))
    }

    /// Size, inode and both times: four words.
    public var description: String { "\(size) \(identity.inode) \(modified) \(changed)" }

    /// True if the last change was more than two seconds ago. A more recent one could be followed by another with the
    /// same timestamp, given the resolution of the file system's clock.
    public var isSettled: Bool {
        let now = time(nil)
        return modified.seconds + 2 < now && changed.seconds + 2 < now
    }

    /// Returns true if the contents are unchanged, whatever happened to the file's mode, owner and number of links.
    public static func == (a: FileVersion, b: FileVersion) -> Bool {
        a.identity == b.identity && a.size == b.size && a.modified == b.modified
    }
}

private func fileStatus(_ path: String) -> stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
}

private func fileStatus(_ descriptor: Int32) -> stat? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status : nil
}
