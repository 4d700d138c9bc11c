import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The one owner of an output: while this object lives, no other process can become it.
///
/// The lock is held on `.<name>.lock` beside the output, which goes away with the object. What an owner left that was
/// killed is removed by the next one.
public final class OutputLock {
    /// The removed leftovers of an owner that died; `nil` if there were none.
    public let leftovers: Leftovers.Removed?

    private let descriptor: Int32
    private let file: URL
    /// Directories above the output that were made for it, the outermost first.
    private let createdParents: [URL]

    /// Becomes the owner of an output; missing directories above it are made.
    ///
    /// - Parameter output: The file or directory that is going to be written.
    /// - Throws: `FileError.busy` where another process is its owner; `FileError` where nothing can be
    ///   written there.
    public init(_ output: URL) throws {
        let output = output.standardizedFileURL.resolvingSymlinksInPath()
        let path = output.plainPath
        createdParents = try makeParents(of: output)
        file = output.parent.appending(path: ".\(output.lastPathComponent).lock")
        do {
            descriptor = try Self.take(file.plainPath, for: path)
        } catch {
            removeEmpty(createdParents)
            throw error
        }
        Self.restore(output)
        leftovers = Leftovers.remove(of: output)
    }

    deinit {
        unlink(file.plainPath)
        close(descriptor)
        removeEmpty(createdParents)
    }

    private static func take(_ lock: String, for path: String) throws -> Int32 {
        while true {
            let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else { throw FileError.writeFailed(path, reason: lastSystemError()) }
            guard lockState(descriptor, LOCK_EX) != .heldByAnother else {
                let owner = owner(descriptor)
                close(descriptor)
                throw FileError.busy(path, owner: owner)
            }
            // The owner before may have removed the file between the two calls.
            guard let own = FileIdentity(descriptor: descriptor), own == FileIdentity(path: lock) else {
                close(descriptor)
                continue
            }
            // For messages alone.
            let text = Array("\(getpid())\n".utf8)
            ftruncate(descriptor, 0)
            _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            return descriptor
        }
    }

    private static func owner(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count], as: UTF8.self).trimmingCharacters(in: .newlines))
    }

    /// Gives back what was at the output where its owner died while replacing it.
    private static func restore(_ output: URL) {
        guard FileKind(output.plainPath) == .missing else { return }
        let old = Leftovers.names(of: output, in: output.parent).first {
            $0.hasPrefix(".\(output.lastPathComponent).old-")
        }
        if let old { rename(output.parent.appending(path: old).plainPath, output.plainPath) }
    }
}

/// Makes the directories above a file that are missing.
///
/// - Returns: Those that were made, the outermost first.
/// - Throws: `FileError`; nothing stays then.
func makeParents(of url: URL) throws -> [URL] {
    var missing: [URL] = []
    var parent = url.parent
    while FileKind(parent.plainPath) == .missing, parent.plainPath != "/" {
        missing.insert(parent, at: 0)
        parent = parent.parent
    }
    guard FileKind(parent.plainPath) == .directory else {
        throw FileError.notADirectory(parent.plainPath)
    }
    var created: [URL] = []
    for directory in missing {
        guard mkdir(directory.plainPath, 0o777) == 0 else {
            // Another process may have been quicker.
            if errno == EEXIST, FileKind(directory.plainPath) == .directory { continue }
            let reason = lastSystemError()
            removeEmpty(created)
            throw FileError.writeFailed(url.plainPath, reason: reason)
        }
        created.append(directory)
    }
    return created
}

/// Removes directories as far as they are empty, the innermost first.
func removeEmpty(_ directories: [URL]) {
    for directory in directories.reversed() { rmdir(directory.plainPath) }
}
