import Foundation

/// A lock between processes, which ends with the process that holds it.
final class FileLock {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Parameter url: A file that only serves this purpose; it is made where it is missing.
    /// - Returns: `nil` where another process holds it, or the file cannot be made.
    init?(_ url: URL) {
        descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    func unlock() { flock(descriptor, LOCK_UN) }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
