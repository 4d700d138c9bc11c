import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file from which bytes are copied from any offset, on any thread.
///
/// Unlike `MappedFile` it leaves nothing in the process's memory but what the caller keeps. The open file stays
/// readable when its name is removed.
public final class RandomAccessFile: Sendable {
    /// The path that errors name.
    public let path: String
    /// The size of the file in bytes.
    public let count: Int
    private let descriptor: Int32

    /// - Parameter url: a regular file.
    /// - Throws: `FileError`.
    public init(_ url: URL) throws {
        path = url.plainPath
        (descriptor, count) = try openForReading(path)
    }

    deinit { close(descriptor) }

    /// Marks the file as in use while this object lives, so that nobody prunes it, and its time as now, so that it counts
    /// as young.
    func use() {
        _ = lockState(descriptor, LOCK_SH)
        futimens(descriptor, nil)
    }

    /// Fills a buffer with the bytes from `offset` on.
    ///
    /// - Throws: `FileError`, also where the file ends before the buffer is full.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst(done))
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                throw FileError.readFailed(path, reason: "the file ends too early")
            } else if errno != EINTR {
                throw readError(path)
            }
        }
    }
}
