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
    /// - Throws: `FileError` where that cannot be.
    public init() throws {
        let parent = FileManager.default.temporaryDirectory
        (url, descriptor) = try makeOwned {
            let unique = String(UInt64.random(in: .min ... .max), radix: 36)
            let url = parent.appending(path: Self.prefix + unique, directoryHint: .isDirectory)
            guard mkdir(url.plainPath, 0o700) == 0 else {
                throw FileError.writeFailed(url.plainPath, reason: lastSystemError())
            }
            let descriptor = open(url.plainPath, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                let reason = lastSystemError()
                rmdir(url.plainPath)
                throw FileError.writeFailed(url.plainPath, reason: reason)
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
            return name.hasPrefix(prefix) && lstat(parent.appending(path: name).plainPath, &status) == 0
                && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == own
        }
        return Leftovers.remove(names, in: parent)
    }
}
