import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder for this process alone in the system's temporary folder, which goes away with the object.
public final class TemporaryFolder {
    /// The folder's path.
    public let url: URL
    private let descriptor: Int32

    private static let prefix = "distill-tmp-"

    /// Makes a folder.
    ///
    /// - Throws: ``FileError`` where that cannot be.
    public init() throws {
        let parent = FileManager.default.temporaryDirectory
        (url, descriptor) = try makeOwned {
            let unique = String(UInt64.random(in: .min ... .max), radix: 36)
            let url = parent.appending(path: Self.prefix + unique, directoryHint: .isDirectory)
            guard mkdir(url.systemPath, 0o700) == 0 else {
                throw FileError.writeFailed(url.systemPath, reason: lastSystemError())
            }
            let descriptor = open(url.systemPath, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                let reason = lastSystemError()
                rmdir(url.systemPath)
                throw FileError.writeFailed(url.systemPath, reason: reason)
            }
            return (url, descriptor)
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
        close(descriptor)
    }

    /// Removes the folders of processes that were killed.
    ///
    /// - Returns: `nil` where nothing was removed.
    public static func removeLeftovers() -> Leftovers.Removed? {
        let parent = FileManager.default.temporaryDirectory
        let own = geteuid()
        let names = Leftovers.contents(parent).filter { name in
            var status = stat()
            return name.hasPrefix(prefix) && lstat(parent.appending(path: name).systemPath, &status) == 0
                && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == own
        }
        return Leftovers.remove(names, in: parent)
    }
}

/// Makes a file or directory under a temporary name and locks it, so that nobody takes it for a leftover.
///
/// - Parameter make: Makes it under a name that nothing else has, and opens it.
/// - Throws: What `make` throws.
func makeOwned(_ make: () throws -> (url: URL, descriptor: Int32)) throws -> (url: URL, descriptor: Int32) {
    while true {
        let (url, descriptor) = try make()
        let state = lockState(descriptor, LOCK_EX)
        // A removal of leftovers may have been quicker: it is then gone, or about to be.
        if state != .heldByAnother, let own = FileIdentity(descriptor: descriptor),
            own == FileIdentity(path: url.systemPath)
        {
            return (url, descriptor)
        }
        close(descriptor)
    }
}
