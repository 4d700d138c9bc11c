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
    public static func write(_ bytes: some Collection<UInt8>, to location: some FileLocation) throws {
        try write(to: location) { try $0.write(bytes) }
    }

    /// Writes text to a file, as UTF-8.
    ///
    /// - Throws: ``FileError``.
    public static func write(
        _ text: String, to location: some FileLocation, replacing: Bool = true
    ) throws {
        try write(to: location, replacing: replacing) { try $0.write(text) }
    }

    /// Writes a file piece by piece.
    ///
    /// - Parameters:
    ///   - location: the file to make or replace; its directory must exist.
    ///   - replacing: true if an existing file is replaced.
    ///   - body: writes the contents. If it throws, nothing remains.
    /// - Throws: ``FileError``, or what `body` throws.
    public static func write(
        to location: some FileLocation, replacing: Bool = true, _ body: (FileWriter) throws -> Void
    ) throws {
        let path = location.plainPath
        switch FileKind(path) {
        case .directory, .other: throw FileError.notAFile(path)
        case .missing, .regular: break
        }
        let parent = path.parentPath
        switch FileKind(parent) {
        case .missing: throw FileError.missing(parent)
        case .regular, .other: throw FileError.notADirectory(parent)
        case .directory: break
        }

        let (temporary, descriptor) = try makeOwned {
            let temporary = path.siblingPath("partial")
            let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileError.writeFailed(path, reason: lastSystemError()) }
            return (temporary, descriptor)
        }
        // Its lock is held until it has its name.
        defer { close(descriptor) }
        do {
            let writer = FileWriter(descriptor: descriptor, path: path)
            try body(writer)
            try writer.synchronize()
            try move(temporary, to: path, replacing: replacing)
        } catch {
            unlink(temporary)
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
            if FileKind(path) != .missing { throw FileError.exists(path) }
        }
        guard rename(temporary, path) == 0 else {
            throw FileError.writeFailed(path, reason: lastSystemError())
        }
    }
}
