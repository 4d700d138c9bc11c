#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The text of the last system error ("No space left on device").
package func lastSystemError() -> String { systemError(errno) }

/// The text of a system error.
package func systemError(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}

/// The read error that fits the last system error: a missing file has a case of its own.
package func readError(_ path: String) -> FileError {
    errno == ENOENT ? .missing(path) : .readFailed(path, reason: lastSystemError())
}

/// Makes the names in a directory durable. Not every file system can, so a failure is not an error.
package func synchronizeDirectory(_ directory: some FileLocation) {
    let descriptor = open(directory.plainPath, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
}

/// Opens a regular file.
///
/// - Returns: The descriptor, which is the caller's to close, and the size in bytes.
/// - Throws: ``FileError``.
package func openForReading(_ path: String) throws -> (descriptor: Int32, size: Int) {
    switch FileKind(path) {
    case .directory, .other: throw FileError.notAFile(path)
    case .missing, .regular: break
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw readError(path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
        let error = readError(path)
        close(descriptor)
        throw error
    }
    guard let size = Int(exactly: status.st_size) else {
        close(descriptor)
        throw FileError.readFailed(path, reason: "too large to read")
    }
    return (descriptor, size)
}

/// Makes a file or directory under a temporary name and locks it, so that nobody takes it for a leftover.
///
/// - Parameter make: Makes it under a name that nothing else has, and opens it.
/// - Throws: What `make` throws.
package func makeOwned<Place: FileLocation>(
    _ make: () throws -> (place: Place, descriptor: Int32)
) throws -> (place: Place, descriptor: Int32) {
    while true {
        let (place, descriptor) = try make()
        let state = lockState(descriptor, LOCK_EX)
        // A removal of leftovers may have been quicker: it is then gone, or about to be.
        if state != .heldByAnother, let own = FileIdentity(descriptor: descriptor),
            own == FileIdentity(path: place.plainPath)
        {
            return (place, descriptor)
        }
        close(descriptor)
    }
}
