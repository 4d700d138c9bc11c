import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock between processes on a file that serves this purpose alone. It ends with the process that holds it, however
/// that ends, so a lock that can be taken shows that its last owner is gone.
public final class FileLock {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Parameter url: It is made where it is missing.
    /// - Returns: `nil` where another process holds it, or the file cannot be made.
    public init?(_ url: URL) {
        descriptor = open(url.systemPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return nil }
        guard lockState(descriptor, LOCK_EX) == .taken else {
            close(descriptor)
            return nil
        }
    }

    public func unlock() { flock(descriptor, LOCK_UN) }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

/// The result of a request for a lock.
enum LockState {
    case taken
    case heldByAnother
    /// The file system has no locks.
    case unsupported
}

/// Asks for a lock on an open file or directory, without waiting.
///
/// - Parameter kind: `LOCK_EX`, or `LOCK_SH`, which several may hold.
func lockState(_ descriptor: Int32, _ kind: Int32) -> LockState {
    while flock(descriptor, kind | LOCK_NB) != 0 {
        if errno == EINTR { continue }
        return errno == EWOULDBLOCK ? .heldByAnother : .unsupported
    }
    return .taken
}
