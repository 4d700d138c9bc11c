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
/// The bytes go to a new file beside the destination, which takes the destination's place by a rename once
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
    public static func write(_ text: String, to url: URL) throws {
        try write(to: url) { try $0.write(text) }
    }

    /// Writes a file piece by piece.
    ///
    /// - Parameters:
    ///   - url: the file to make or replace; its directory must exist.
    ///   - body: writes the contents. If it throws, nothing remains.
    /// - Throws: ``FileError``, or what `body` throws.
    public static func write(to url: URL, _ body: (FileWriter) throws -> Void) throws {
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

        let temporary = url.sibling("partial").systemPath
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError.writeFailed(path, reason: lastSystemError()) }
        do {
            defer { close(descriptor) }
            let writer = FileWriter(descriptor: descriptor, path: path)
            try body(writer)
            try writer.synchronize()
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let reason = lastSystemError()
            unlink(temporary)
            throw FileError.writeFailed(path, reason: reason)
        }
        synchronizeDirectory(parent)
    }
}
