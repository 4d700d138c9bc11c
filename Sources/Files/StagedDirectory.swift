import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An output directory that appears complete or not at all.
///
/// The files are written into ``url``, a hidden directory beside the destination; ``commit()`` moves it to the
/// destination in one step. What was not committed is removed when the object goes away, and by the next ``OutputLock``
/// where the process was killed.
public final class StagedDirectory {
    /// The existing destinations that may be replaced.
    public enum Replacing: Sendable, Equatable {
        /// An empty directory alone.
        case nothing
        /// The directory that was put there before, as long as it is the same one, or an empty one.
        case only(FileIdentity)
        /// Any directory.
        case anything
    }

    /// The directory to write the files into until ``commit()``.
    public let url: URL

    /// The final path of the directory.
    public let destination: URL

    /// The directory, which keeps its identity when it is moved to the destination.
    public let identity: FileIdentity?

    private let replacing: Replacing
    private var isOpen = true
    /// Holds the lock that shows that this directory has an owner.
    private let descriptor: Int32
    /// Directories above the destination that were made for it, the outermost first.
    private let createdParents: [URL]

    /// Starts an output directory. Missing directories above it are made.
    ///
    /// - Parameters:
    ///   - destination: the directory to make. It may exist if it is empty.
    ///   - overwrite: true if a directory that is not empty may be replaced.
    /// - Throws: `FileError`; `FileError.exists` if the destination would have to be overwritten.
    public convenience init(for destination: URL, overwrite: Bool) throws {
        try self.init(for: destination, replacing: overwrite ? .anything : .nothing)
    }

    /// Starts an output directory. Missing directories above it are made.
    ///
    /// - Parameters:
    ///   - destination: the directory to make.
    ///   - replacing: the existing destinations that may be replaced.
    /// - Throws: `FileError`; `FileError.exists` if the destination would have to be overwritten.
    public init(for destination: URL, replacing: Replacing) throws {
        // A rename would replace a symbolic link, not the directory that it leads to.
        let destination = destination.standardizedFileURL.resolvingSymlinksInPath()
        let path = destination.plainPath
        try Self.check(path, replacing)
        let created = try makeParents(of: destination)
        do {
            (url, descriptor) = try makeOwned {
                let staging = destination.sibling("partial")
                guard mkdir(staging.plainPath, 0o777) == 0 else {
                    throw FileError.writeFailed(path, reason: lastSystemError())
                }
                let descriptor = open(staging.plainPath, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else {
                    let reason = lastSystemError()
                    rmdir(staging.plainPath)
                    throw FileError.writeFailed(path, reason: reason)
                }
                return (staging, descriptor)
            }
        } catch {
            removeEmpty(created)
            throw error
        }
        identity = FileIdentity(descriptor: descriptor)
        createdParents = created
        self.destination = destination
        self.replacing = replacing
    }

    /// Looks at a destination as a directory that may be replaced.
    ///
    /// - Throws: `FileError` for what never can be: a file, a mount point, the current or the home directory.
    public static func requirePossible(_ destination: URL) throws {
        try check(destination.standardizedFileURL.resolvingSymlinksInPath().plainPath, .anything)
    }

    deinit {
        discard()
        close(descriptor)
    }

    /// Moves the directory to the destination. A directory that it replaces is restored if anything fails.
    ///
    /// - Throws: `FileError`; the destination is then as it was, and what was staged is removed.
    public func commit() throws {
        guard isOpen else { return }
        let path = destination.plainPath
        do {
            try Self.check(path, replacing)
            if FileKind(path) == .directory {
                try replaceDestination()
            } else {
                try Self.move(url, to: destination, naming: path)
            }
        } catch {
            discard()
            throw error
        }
        isOpen = false
        synchronizeDirectory(destination.parent)
    }

    /// Removes what was staged. Does nothing after ``commit()``.
    public func discard() {
        guard isOpen else { return }
        isOpen = false
        try? FileManager.default.removeItem(at: url)
        removeEmpty(createdParents)
    }

    private func replaceDestination() throws {
        let path = destination.plainPath
        guard exchange(url.plainPath, path) else { return try replaceByRenames() }
        // The replaced directory is now where this was staged. It may have changed since it was checked.
        if !mayGo(url) {
            _ = exchange(url.plainPath, path)
            throw FileError.exists(path)
        }
        try? FileManager.default.removeItem(at: url)
    }

    /// Replaces the destination on a file system that cannot exchange two names: for a moment, nothing exists there.
    private func replaceByRenames() throws {
        let path = destination.plainPath
        let old = destination.sibling("old")
        try Self.move(destination, to: old, naming: path)
        do {
            try Self.move(url, to: destination, naming: path)
        } catch {
            rename(old.plainPath, path)
            throw error
        }
        if !mayGo(old) {
            rename(path, url.plainPath)
            rename(old.plainPath, path)
            throw FileError.exists(path)
        }
        try? FileManager.default.removeItem(at: old)
    }

    /// Returns true if a directory that was moved out of the way may be removed.
    private func mayGo(_ old: URL) -> Bool {
        switch replacing {
        case .anything: return true
        case .only(let identity): if FileIdentity(path: old.plainPath) == identity { return true }
        case .nothing: break
        }
        return rmdir(old.plainPath) == 0
    }

    private static func check(_ path: String, _ replacing: Replacing) throws {
        switch FileKind(path) {
        case .missing: return
        case .regular, .other: throw FileError.notADirectory(path)
        case .directory: break
        }
        // Replacing one of these would pull the ground from under the user's feet.
        let protected = [FileManager.default.currentDirectoryPath, NSHomeDirectory()].map {
            URL(fileURLWithPath: $0).resolvingSymlinksInPath().plainPath
        }
        for place in protected where (place + "/").hasPrefix(path == "/" ? path : path + "/") {
            throw FileError.writeFailed(
                path, reason: "it holds the current or the home directory; name a new directory")
        }
        if isMountPoint(path) {
            throw FileError.writeFailed(
                path, reason: "it is a mount point, which cannot be replaced; name a directory in it")
        }
        let contents: [String]
        do {
            contents = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw FileError.readFailed(path, reason: error.localizedDescription)
        }
        let isOwn =
            if case .only(let identity) = replacing { FileIdentity(path: path) == identity } else { false }
        if !contents.isEmpty, replacing != .anything, !isOwn { throw FileError.exists(path) }
    }

    private static func move(_ source: URL, to target: URL, naming path: String) throws {
        guard rename(source.plainPath, target.plainPath) == 0 else {
            throw FileError.writeFailed(path, reason: lastSystemError())
        }
    }
}
