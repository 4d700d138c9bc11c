import Foundation

/// A lock between processes on a file of `.locks`, as Python's filelock takes it.
struct CacheLock: ~Copyable {
    private let descriptor: Int32

    /// Waits until the lock is free.
    ///
    /// - Throws: `HubError/cache(path:reason:)`, or `CancellationError`.
    init(_ url: URL) async throws {
        let path = url.path
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o664)
            guard descriptor >= 0 else { throw HubError.cache(path: path, reason: systemReason()) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                // Its holder may have removed the file: then the lock is on nothing.
                var held = stat()
                var named = stat()
                if fstat(descriptor, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino {
                    self.descriptor = descriptor
                    return
                }
                close(descriptor)
                continue
            }
            let code = errno
            close(descriptor)
            if code == ENOSYS || code == ENOTSUP {
                // The file system has no locks. Digests and renames keep the cache whole without.
                self.descriptor = -1
                return
            }
            guard code == EWOULDBLOCK || code == EINTR else {
                throw HubError.cache(path: path, reason: systemReason(code))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
