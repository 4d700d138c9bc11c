import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Removing files that others may be using.
public enum Pruning {
    /// Returns the time at which a file was last used or written, in seconds since 1970.
    ///
    /// - Returns: `nil` where it is gone.
    public static func lastUse(of url: URL) -> Double? {
        var status = stat()
        guard stat(url.plainPath, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Returns true if a living process has the file open as a ``ChecksummedFile`` or is writing it.
    public static func isUsed(_ url: URL) -> Bool {
        guard let descriptor = claim(url.plainPath) else {
            return FileKind(url.plainPath) != .missing
        }
        close(descriptor)
        return false
    }

    /// Removes a file that nobody uses.
    ///
    /// - Returns: `false` where it is in use or cannot be removed.
    public static func remove(_ url: URL) -> Bool {
        let path = url.plainPath
        guard let descriptor = claim(path) else { return false }
        defer { close(descriptor) }
        return unlink(path) == 0
    }

    /// Empties and removes a directory that nobody uses, with the directories in it. A link in it stays, and so does what others use.
    ///
    /// - Returns: The bytes that were removed.
    public static func removeDirectory(_ url: URL) -> Int {
        guard let descriptor = claim(url.plainPath) else { return 0 }
        defer { close(descriptor) }
        var removed = 0
        for name in Leftovers.contents(url) {
            let file = url.appending(path: name)
            if FileKind(file) == .directory {
                removed += removeDirectory(file)
            } else {
                let bytes = Leftovers.size(of: file)
                if remove(file) { removed += bytes }
            }
        }
        rmdir(url.plainPath)
        return removed
    }

    /// The file's descriptor with a lock that nobody else has.
    private static func claim(_ path: String) -> Int32? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        guard lockState(descriptor, LOCK_EX) != .heldByAnother else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
