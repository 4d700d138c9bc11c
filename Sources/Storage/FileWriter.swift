#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes to an open file through a buffer. ``AtomicFile`` makes and finishes it.
public final class FileWriter {
    /// The path that errors name.
    package let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private static let bufferSize = 1 << 18

    /// - Parameter descriptor: stays the caller's to close.
    package init(descriptor: Int32, path: String) {
        _ = Self.ignoreFileSizeSignal
        self.descriptor = descriptor
        self.path = path
        buffer.reserveCapacity(Self.bufferSize)
    }

    /// Writes bytes.
    ///
    /// - Throws: ``FileError/writeFailed(_:reason:)``.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        if buffer.count + bytes.count > Self.bufferSize { try flush() }
        if bytes.count >= Self.bufferSize {
            try writeFully(bytes)
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    /// Writes bytes.
    ///
    /// - Throws: ``FileError/writeFailed(_:reason:)``.
    public func write(_ bytes: some Collection<UInt8>) throws {
        let done: Void? = try bytes.withContiguousStorageIfAvailable {
            try write(UnsafeRawBufferPointer($0))
        }
        if done == nil { try Array(bytes).withUnsafeBytes { try write($0) } }
    }

    /// Writes text as UTF-8.
    ///
    /// - Throws: ``FileError/writeFailed(_:reason:)``.
    public func write(_ text: String) throws {
        try write(text.utf8)
    }

    /// Replaces the first bytes of the file by as many others.
    ///
    /// - Throws: ``FileError/writeFailed(_:reason:)``.
    package func overwrite(_ bytes: [UInt8]) throws {
        try flush()
        var done = 0
        while done < bytes.count {
            let written = bytes[done...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(done))
            }
            if written > 0 {
                done += written
            } else if written == 0 || errno != EINTR {
                throw failure()
            }
        }
    }

    /// Writes the buffer to the system and waits until it is on the disk.
    package func synchronize() throws {
        try flush()
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure() }  // EINVAL: not a disk file
    }

    /// Writes the buffer to the system.
    package func flush() throws {
        try buffer.withUnsafeBytes { try writeFully($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// A system call may write less than requested, so this continues until everything is written.
    private func writeFully(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // macOS refuses to write 2 GiB or more at once.
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            #if canImport(Darwin)
                let written = Darwin.write(descriptor, part.baseAddress, part.count)
            #elseif canImport(Musl)
                let written = Musl.write(descriptor, part.baseAddress, part.count)
            #else
                let written = Glibc.write(descriptor, part.baseAddress, part.count)
            #endif
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written == 0 || errno != EINTR {
                throw failure()
            }
        }
    }

    private func failure() -> FileError { .writeFailed(path, reason: lastSystemError()) }

    /// A file that grows past the process's size limit raises a signal that would end the program without a
    /// word. Ignored, the write fails with "File too large" instead. A program that handles the signal keeps
    /// handling it.
    private static let ignoreFileSizeSignal: Void = {
        var current = sigaction()
        guard sigaction(SIGXFSZ, nil, &current) == 0 else { return }
        #if canImport(Darwin)
            let isDefault = current.__sigaction_u.__sa_handler == nil
        #else
            let isDefault = current.__sigaction_handler.sa_handler == nil
        #endif
        if isDefault { signal(SIGXFSZ, SIG_IGN) }
    }()
}
