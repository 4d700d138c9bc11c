import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that grows while others may read it, such as a log.
public final class AppendedFile {
    private let descriptor: Int32
    private let path: String

    /// Opens a file to append to; it and its directory are made if they are not there.
    ///
    /// - Throws: `FileError.writeFailed`.
    public init(_ url: URL) throws {
        path = url.plainPath
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(path, reason: error.localizedDescription)
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.writeFailed(path, reason: lastSystemError()) }
    }

    deinit { close(descriptor) }

    /// Appends bytes and hands them to the system.
    ///
    /// - Throws: `FileError.writeFailed`.
    public func append(_ bytes: some Collection<UInt8>) throws {
        let writer = FileWriter(descriptor: descriptor, path: path)
        try writer.write(bytes)
        try writer.flush()
    }
}
