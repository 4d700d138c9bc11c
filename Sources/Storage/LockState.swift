#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The result of a request for a lock.
package enum LockState {
    case taken
    case heldByAnother
    /// The file system has no locks.
    case unsupported
}

/// Asks for a lock on an open file or directory, without waiting.
///
/// - Parameter kind: `LOCK_EX`, or `LOCK_SH`, which several may hold.
package func lockState(_ descriptor: Int32, _ kind: Int32) -> LockState {
    while flock(descriptor, kind | LOCK_NB) != 0 {
        if errno == EINTR { continue }
        return errno == EWOULDBLOCK ? .heldByAnother : .unsupported
    }
    return .taken
}
