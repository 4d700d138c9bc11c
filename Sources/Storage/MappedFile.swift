#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file whose bytes are read from disk when they are first touched, by mapping it into memory.
///
/// The file must not be shortened while it is mapped: the system then raises SIGBUS, which a program can turn into one
/// line by ``endsWhereShortened()``. Replacing it by a rename, as ``AtomicFile`` does, is harmless. What is written to
/// the memory stays there: the file never changes.
public final class MappedFile: Sendable {
    // Read-only memory that nothing frees before `deinit`, so any thread may use it.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer?

    /// The size of the file in bytes.
    public let count: Int

    /// Maps a file.
    ///
    /// - Parameter location: a regular file, which may be empty.
    /// - Throws: ``FileError``.
    public init(_ location: some FileLocation) throws {
        let path = location.plainPath
        let (descriptor, size) = try openForReading(path)
        defer { close(descriptor) }
        count = size
        if size == 0 {  // an empty mapping is an error to the system
            base = nil
            return
        }
        let access = PROT_READ | PROT_WRITE
        guard let address = mmap(nil, size, access, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else { throw readError(path) }
        base = address
        MappedRegions.add(address, count: size, path: path)
    }

    deinit {
        guard let base else { return }
        MappedRegions.remove(base)
        munmap(base, count)
    }

    /// Gives back the memory that the bytes touched so far take up; they are read from disk again when needed.
    public func release() {
        if let base { madvise(base, count, MADV_DONTNEED) }
    }

    /// The file's bytes, valid while this object lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}
