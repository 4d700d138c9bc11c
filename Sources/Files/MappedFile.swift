import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file whose bytes are read from disk when they are first touched, by mapping it into memory.
///
/// The file must not be shortened while it is mapped; replacing it by a rename, as ``AtomicFile`` does, is
/// harmless.
public final class MappedFile: Sendable {
    // Read-only memory that nothing frees before `deinit`, so any thread may use it.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer?

    /// The size of the file in bytes.
    public let count: Int

    /// Maps a file.
    ///
    /// - Parameter url: a regular file, which may be empty.
    /// - Throws: ``FileError``.
    public init(_ url: URL) throws {
        let path = url.systemPath
        switch FileKind(path: path) {
        case .directory, .other: throw FileError.notAFile(path)
        case .missing, .regular: break
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw readError(path) }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw readError(path) }
        guard let size = Int(exactly: status.st_size) else {
            throw FileError.readFailed(path, reason: "too large to map")
        }
        count = size
        if size == 0 {  // an empty mapping is an error to the system
            base = nil
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else { throw readError(path) }
        base = address
    }

    deinit {
        if let base { munmap(base, count) }
    }

    /// The file's bytes, valid while this object lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}
