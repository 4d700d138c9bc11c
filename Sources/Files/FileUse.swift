import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells other processes that a file or directory is in use, as long as this object lives.
public final class FileUse {
    private let descriptor: Int32

    /// - Returns: `nil` where it is not there, or somebody is removing it.
    public init?(_ url: URL) {
        descriptor = open(url.plainPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let state = lockState(descriptor, LOCK_SH)
        guard state != .heldByAnother, let own = FileIdentity(descriptor: descriptor),
            own == FileIdentity(path: url.plainPath)
        else {
            close(descriptor)
            return nil
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
