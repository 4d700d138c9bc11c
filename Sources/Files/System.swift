import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The text of the last system error ("No space left on device").
func lastSystemError() -> String { systemError(errno) }

func systemError(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}

/// The kind of file at a path, following symbolic links.
enum FileKind {
    case missing, regular, directory, other

    init(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            self = .missing
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        default: self = .other
        }
    }
}

/// The read error that fits the last system error: a missing file has a case of its own.
func readError(_ path: String) -> FileError {
    errno == ENOENT ? .missing(path) : .readFailed(path, reason: lastSystemError())
}

/// Makes the names in a directory durable. Not every file system can, so a failure is not an error.
func synchronizeDirectory(_ url: URL) {
    let descriptor = open(url.systemPath, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
}

extension URL {
    /// The path for system calls and messages, without a trailing slash.
    var systemPath: String {
        let path = path(percentEncoded: false)
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// The directory that holds this file.
    var parent: URL { deletingLastPathComponent() }

    /// A name beside this one that nothing else uses: `.<name>.<purpose>-<unique>`.
    func sibling(_ purpose: String) -> URL {
        let unique = String(UInt64.random(in: .min ... .max), radix: 36)
        return parent.appending(path: ".\(lastPathComponent).\(purpose)-\(unique)")
    }
}

/// Opens a regular file.
///
/// - Returns: The descriptor, which is the caller's to close, and the size in bytes.
/// - Throws: ``FileError``.
func openForReading(_ path: String) throws -> (descriptor: Int32, size: Int) {
    switch FileKind(path: path) {
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

/// Exchanges the files of two names atomically.
///
/// - Returns: `false` where that cannot be done here.
func exchange(_ one: String, _ other: String) -> Bool {
    #if canImport(Darwin)
        return renamex_np(one, other, UInt32(RENAME_SWAP)) == 0
    #else
        // Not in the headers that Swift sees.
        guard let symbol = dlsym(nil, "renameat2") else { return false }
        typealias Function =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
            ) -> Int32
        let renameExchange: UInt32 = 2
        return unsafeBitCast(symbol, to: Function.self)(AT_FDCWD, one, AT_FDCWD, other, renameExchange) == 0
    #endif
}

/// Returns true if another file system, or a part of one, is mounted at a directory: the directory cannot be renamed
/// then.
func isMountPoint(_ path: String) -> Bool {
    #if os(Linux)
        // Each line: identifiers, device, root, and as the fifth word the mount point, with blanks in octal digits.
        guard let text = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else {
            return false
        }
        var place = path
        for (character, code) in [("\\", "\\134"), (" ", "\\040"), ("\t", "\\011"), ("\n", "\\012")] {
            place = place.replacing(character, with: code)
        }
        return text.split(separator: "\n").contains { line in
            let words = line.split(separator: " ", maxSplits: 5)
            return words.count > 4 && words[4].utf8.elementsEqual(place.utf8)
        }
    #else
        guard let own = FileIdentity(path: path), let above = FileIdentity(path: path + "/..") else {
            return false
        }
        return own.device != above.device
    #endif
}
