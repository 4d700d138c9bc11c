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
        descriptor = open(url.plainPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return nil }
        guard lockState(descriptor, LOCK_EX) == .taken else {
            close(descriptor)
            return nil
        }
    }

    public func unlock() { flock(descriptor, LOCK_UN) }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
