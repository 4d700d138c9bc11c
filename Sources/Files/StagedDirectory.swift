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
/// The files are written into ``url``, a hidden directory beside the destination; ``commit()`` renames it
/// into place. What was not committed is removed when the object goes away.
public final class StagedDirectory {
    /// Where to write the files until ``commit()``.
    public let url: URL

    /// Where the directory will be.
    public let destination: URL

    private let overwrite: Bool
    private var isOpen = true
    /// Directories above the destination that were made for it, the outermost first.
    private let createdParents: [URL]

    /// Starts an output directory. Missing directories above it are made.
    ///
    /// - Parameters:
    ///   - destination: the directory to make. It may exist if it is empty.
    ///   - overwrite: whether a directory that is not empty may be replaced.
    /// - Throws: ``FileError``; ``FileError/exists(_:)`` if the destination would have to be overwritten.
    public init(for destination: URL, overwrite: Bool) throws {
        // A rename would replace a symbolic link, not the directory that it leads to.
        let destination = destination.standardizedFileURL.resolvingSymlinksInPath()
        let path = destination.systemPath
        try Self.check(path, overwrite: overwrite)

        var missing: [URL] = []
        var parent = destination.parent
        while FileKind(path: parent.systemPath) == .missing, parent.systemPath != "/" {
            missing.insert(parent, at: 0)
            parent = parent.parent
        }
        guard FileKind(path: parent.systemPath) == .directory else {
            throw FileError.notADirectory(parent.systemPath)
        }

        let staging = destination.sibling("partial")
        var created: [URL] = []
        for directory in missing + [staging] {
            guard mkdir(directory.systemPath, 0o777) == 0 else {
                let reason = lastSystemError()
                Self.removeEmpty(created)
                throw FileError.writeFailed(path, reason: reason)
            }
            if directory != staging { created.append(directory) }
        }
        url = staging
        createdParents = created
        self.destination = destination
        self.overwrite = overwrite
    }

    deinit { discard() }

    /// Puts the directory into place. A directory that it replaces is first renamed, and put back if anything
    /// fails.
    ///
    /// - Throws: ``FileError``; the destination is then as it was, and what was staged is removed.
    public func commit() throws {
        guard isOpen else { return }
        let path = destination.systemPath
        do {
            try Self.check(path, overwrite: overwrite)
            if FileKind(path: path) == .directory {
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
        Self.removeEmpty(createdParents)
    }

    private func replaceDestination() throws {
        let path = destination.systemPath
        let old = destination.sibling("old")
        try Self.move(destination, to: old, naming: path)
        do {
            try Self.move(url, to: destination, naming: path)
        } catch {
            rename(old.systemPath, path)
            throw error
        }
        // Something may have been written into it since it was checked: only then is it not empty.
        if !overwrite, rmdir(old.systemPath) != 0 {
            rename(path, url.systemPath)
            rename(old.systemPath, path)
            throw FileError.exists(path)
        }
        try? FileManager.default.removeItem(at: old)
    }

    private static func check(_ path: String, overwrite: Bool) throws {
        switch FileKind(path: path) {
        case .missing: return
        case .regular, .other: throw FileError.notADirectory(path)
        case .directory: break
        }
        // Replacing one of these would pull the ground from under the user's feet.
        let protected = [FileManager.default.currentDirectoryPath, NSHomeDirectory()].map {
            URL(fileURLWithPath: $0).resolvingSymlinksInPath().systemPath
        }
        for place in protected where (place + "/").hasPrefix(path == "/" ? path : path + "/") {
            throw FileError.writeFailed(
                path, reason: "it holds the current or the home directory; name a new directory")
        }
        let contents: [String]
        do {
            contents = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw FileError.readFailed(path, reason: error.localizedDescription)
        }
        if !contents.isEmpty, !overwrite { throw FileError.exists(path) }
    }

    private static func move(_ source: URL, to target: URL, naming path: String) throws {
        guard rename(source.systemPath, target.systemPath) == 0 else {
            throw FileError.writeFailed(path, reason: lastSystemError())
        }
    }

    private static func removeEmpty(_ directories: [URL]) {
        for directory in directories.reversed() { rmdir(directory.systemPath) }
    }
}
