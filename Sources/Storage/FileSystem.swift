#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What small programs do with files and directories, on the system's calls alone.
public enum FileSystem {
    /// Reads a whole file.
    ///
    /// - Parameter location: A file, or whatever else can be read to its end, such as a pipe.
    /// - Returns: Its bytes.
    /// - Throws: ``FileError``.
    public static func bytes(of location: some FileLocation) throws -> [UInt8] {
        let path = location.plainPath
        guard FileKind(path) != .directory else { throw FileError.notAFile(path) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw readError(path) }
        defer { close(descriptor) }
        var status = stat()
        let size = fstat(descriptor, &status) == 0 ? Int(clamping: status.st_size) : 0
        var bytes: [UInt8] = []
        // One byte more shows the end of a file that has the size which the system says.
        var room = max(min(size, 1 << 40) + 1, 1 << 14)
        while true {
            let part = try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                count = try fill(UnsafeMutableRawBufferPointer(buffer), from: descriptor, path)
            }
            let isAtEnd = part.count < room
            bytes = bytes.isEmpty ? part : bytes + part
            if isAtEnd { return bytes }
            room = max(bytes.count, 1 << 14)
        }
    }

    /// Reads until the buffer is full or the file ends.
    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, _ path: String
    ) throws -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            // macOS refuses to read 2 GiB or more at once.
            let count = read(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw readError(path)
            }
        }
        return done
    }

    /// The size of a file in bytes, after symbolic links.
    ///
    /// - Returns: `nil` where nothing is there.
    public static func size(of location: some FileLocation) -> Int? {
        var status = stat()
        return stat(location.plainPath, &status) == 0 ? Int(clamping: status.st_size) : nil
    }

    /// The names of everything in a directory, hidden files too, in no order.
    ///
    /// - Throws: ``FileError``.
    public static func names(in directory: some FileLocation) throws -> [String] {
        let path = directory.plainPath
        guard let stream = opendir(path) else {
            throw errno == ENOTDIR ? FileError.notADirectory(path) : readError(path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw readError(path) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// Removes a file, or a symbolic link itself.
    ///
    /// - Throws: ``FileError``.
    public static func remove(_ location: some FileLocation) throws {
        let path = location.plainPath
        guard unlink(path) == 0 else {
            throw errno == ENOENT
                ? FileError.missing(path) : FileError.writeFailed(path, reason: lastSystemError())
        }
    }
}
