import Architectures
import Dispatch
import Synchronization

/// The comparison of a quantized model's files with the digests that were kept with it, on a thread beside.
final class Verification: Sendable {
    private let failure = Mutex<(any Error)?>(nil)
    private let done = DispatchSemaphore(value: 0)

    /// Begins with the files of a directory.
    init(of directory: String) {
        DispatchQueue.global().async { [self] in
            do { try ChecksumManifest.verify(directory) } catch { failure.withLock { $0 = error } }
            done.signal()
        }
    }

    /// Waits for the end.
    ///
    /// - Throws: The error of `ChecksumManifest.verify`, which names the file that has changed.
    func finish() throws {
        done.wait()
        done.signal()
        if let error = failure.withLock(\.self) { throw error }
    }
}
