import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes files that are there completely or not at all.
///
/// The bytes go to a new file beside the destination, which replaces the destination by a rename once
/// it is safe on the disk. After a failure the destination is as it was, and the new file is gone.
public enum AtomicFile {
    /// Writes bytes to a file.
    ///
    /// - Throws: ``FileError``.
    public static func write(_ bytes: some Collection<UInt8>, to url: URL) throws {
        try write(to: url) { try $0.write(bytes) }
    }

    /// Writes text to a file, as UTF-8.
    ///
    /// - Throws: ``FileError``.
    public static func write(_ text: String, to url: URL, replacing: Bool = true) throws {
        try write(to: url, replacing: replacing) { try $0.write(text) }
    }

    /// Writes a file piece by piece.
    ///
    /// - Parameters:
    ///   - url: the file to make or replace; its directory must exist.
    ///   - replacing: true if an existing file is replaced.
    ///   - body: writes the contents. If it throws, nothing remains.
    /// - Throws: ``FileError``, or what `body` throws.
    public static func write(
        to url: URL, replacing: Bool = true, _ body: (FileWriter) throws -> Void
    ) throws {
        let path = url.systemPath
        switch FileKind(path: path) {
        case .directory, .other: throw FileError.notAFile(path)
        case .missing, .regular: break
        }
        let parent = url.parent
        switch FileKind(path: parent.systemPath) {
        case .missing: throw FileError.missing(parent.systemPath)
        case .regular, .other: throw FileError.notADirectory(parent.systemPath)
        case .directory: break
        }

        let (temporary, descriptor) = try makeOwned {
            let temporary = url.sibling("partial")
            let descriptor = open(temporary.systemPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileError.writeFailed(path, reason: lastSystemError()) }
            return (temporary, descriptor)
        }
        // Its lock is held until it has its name.
        defer { close(descriptor) }
        do {
            let writer = FileWriter(descriptor: descriptor, path: path)
            try body(writer)
            try writer.synchronize()
            try move(temporary.systemPath, to: path, replacing: replacing)
        } catch {
            unlink(temporary.systemPath)
            throw error
        }
        synchronizeDirectory(parent)
    }

    private static func move(_ temporary: String, to path: String, replacing: Bool) throws {
        if !replacing {
            // A second name, which is refused where there is a file; then the first one goes.
            if link(temporary, path) == 0 {
                unlink(temporary)
                return
            }
            if errno == EEXIST { throw FileError.exists(path) }
            // Not every file system has second names.
            if FileKind(path: path) != .missing { throw FileError.exists(path) }
        }
        guard rename(temporary, path) == 0 else {
            throw FileError.writeFailed(path, reason: lastSystemError())
        }
    }
}
