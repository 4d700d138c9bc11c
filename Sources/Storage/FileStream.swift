#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file read once from its beginning, piece by piece, with its SHA-256 on the way.
public final class FileStream {
    private let path: String
    private let descriptor: Int32
    private var hash = SHA256()
    private let before: FileVersion?

    /// - Parameter file: A regular file.
    /// - Throws: `FileError`.
    public init(_ file: some FileLocation) throws {
        path = file.plainPath
        descriptor = try openForReading(path).descriptor
        before = FileVersion(descriptor: descriptor)
    }

    deinit { close(descriptor) }

    /// Reads the next bytes.
    ///
    /// - Returns: The number of bytes read; 0 at the end of the file.
    /// - Throws: `FileError`.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = readBytes(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                hash.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
                return count
            }
            guard errno == EINTR else { throw readError(path) }
        }
    }

    /// True if the open file has been written to since it was opened. Replacing it by a rename does not count.
    public var hasChanged: Bool { FileVersion(descriptor: descriptor) != before }

    /// The SHA-256 of what has been read so far: 64 lower-case hexadecimal digits.
    public var sha256: String {
        var hash = hash
        return Digest.hexadecimal(hash.finalize())
    }
}

/// The system's `read`, which a method of the same name would hide.
private func readBytes(_ descriptor: Int32, _ base: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, base, count)
}
