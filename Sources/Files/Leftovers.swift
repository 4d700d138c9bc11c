import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Files and directories left behind by processes that were killed while writing, under the temporary names of
/// `AtomicFile`, ``StagedDirectory`` and ``TemporaryFolder``.
///
/// A writer holds a lock on its file, which ends with the process: a file that can be locked has no owner.
public enum Leftovers {
    /// A summary of the removed items.
    public struct Removed: Sendable, Equatable, CustomStringConvertible {
        public var count = 0
        public var bytes = 0
        /// The directory that contained them.
        public var directory: String

        public var description: String {
            let size =
                bytes >= 1_000_000
                ? String(format: "%.1f MB", Double(bytes) / 1e6)
                : String(format: "%.1f kB", Double(bytes) / 1e3)
            return
                "Removed \(count) unfinished \(count == 1 ? "item" : "items") (\(size)) in \(directory), left by a "
                + "process that was killed."
        }
    }

    /// Removes what nobody owns of the unfinished files in a directory.
    ///
    /// - Returns: `nil` where nothing was removed.
    public static func remove(in directory: URL) -> Removed? {
        remove(contents(directory).filter { isUnfinished($0) }, in: directory)
    }

    /// Removes a directory under a temporary name: a process that is killed meanwhile leaves none that lacks files.
    public static func discard(_ directory: URL) {
        let old = directory.sibling("old")
        let isAside = rename(directory.plainPath, old.plainPath) == 0
        try? FileManager.default.removeItem(at: isAside ? old : directory)
    }

    /// Removes what nobody owns of the unfinished versions of one output.
    ///
    /// - Returns: `nil` where nothing was removed.
    public static func remove(of output: URL) -> Removed? {
        remove(names(of: output, in: output.parent), in: output.parent)
    }

    /// The unfinished files in a directory, with whether a living process owns them.
    public static func list(_ directory: URL) -> [(url: URL, isOwned: Bool)] {
        contents(directory).filter { isUnfinished($0) }.sorted().map { name in
            let url = directory.appending(path: name)
            let claim = Claim(url.plainPath)
            return (url, claim == nil)
        }
    }

    /// The size of a file, or of everything in a directory.
    public static func size(of url: URL) -> Int {
        var status = stat()
        guard lstat(url.plainPath, &status) == 0 else { return 0 }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
        return contents(url).reduce(0) { $0 + size(of: url.appending(path: $1)) }
    }

    /// The names of one output's unfinished versions.
    static func names(of output: URL, in directory: URL) -> [String] {
        contents(directory).filter { isUnfinished($0, of: output.lastPathComponent) }
    }

    /// Removes those of some entries of a directory that can be locked.
    static func remove(_ names: [String], in directory: URL) -> Removed? {
        var removed = Removed(directory: directory.plainPath)
        for name in names {
            let url = directory.appending(path: name)
            guard let claim = Claim(url.plainPath) else { continue }
            let bytes = size(of: url)
            // A file is removed while its lock is held: the next one to open it finds it gone.
            guard (try? FileManager.default.removeItem(at: url)) != nil else { continue }
            withExtendedLifetime(claim) {}
            removed.count += 1
            removed.bytes += bytes
        }
        return removed.count > 0 ? removed : nil
    }

    static func contents(_ directory: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.plainPath)) ?? []
    }

    /// Returns true if a name is a temporary one, such as `.student.partial-1x2y`.
    static func isUnfinished(_ name: String, of output: String? = nil) -> Bool {
        guard name.hasPrefix("."), let dot = name.lastIndex(of: "."), dot > name.startIndex else {
            return false
        }
        let base = name[name.index(after: name.startIndex)..<dot]
        guard output == nil || base.utf8.elementsEqual(output?.utf8 ?? "".utf8) else { return false }
        let end = name[name.index(after: dot)...]
        let unique = ["partial-", "old-"].first { end.hasPrefix($0) }.map { end.dropFirst($0.count) }
        return unique.map { !$0.isEmpty && $0.utf8.allSatisfy(isDigit) } ?? false
    }

    /// Returns true if a byte is a base-36 digit.
    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    /// The lock of a file or directory that nobody owns.
    private final class Claim {
        private let descriptor: Int32

        /// - Returns: `nil` if it has an owner, or that cannot be determined.
        init?(_ path: String) {
            // A pipe or a link under such a name is not ours.
            descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard descriptor >= 0 else { return nil }
            guard lockState(descriptor, LOCK_EX) == .taken else {
                close(descriptor)
                return nil
            }
        }

        deinit { if descriptor >= 0 { close(descriptor) } }
    }
}
