import Files
import Foundation

/// The limit of open files, which libraries that this program uses do not survive reaching: libdispatch ends the process
/// by a signal where its first thread gets no descriptors.
enum OpenFiles {
    /// The descriptors that every command needs, with some to spare.
    private static let least = 24

    /// Looks whether enough files can be opened, and has libdispatch take what it needs now.
    ///
    /// - Throws: `FileError` where they cannot.
    static func require() throws {
        var taken: [Int32] = []
        defer { for descriptor in taken { close(descriptor) } }
        for _ in 0..<least {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw FileError.readFailed(
                    "/dev/null",
                    reason:
                        "\(String(cString: strerror(errno))); raise the limit of open files (ulimit -n) to 64 or more"
                )
            }
            taken.append(descriptor)
        }
        while let descriptor = taken.popLast() { close(descriptor) }
        // The first timer starts the thread that waits for all events.
        let isUp = DispatchSemaphore(value: 0)
        let timer = DispatchSource.makeTimerSource()
        timer.setEventHandler { isUp.signal() }
        timer.schedule(deadline: .now())
        timer.activate()
        isUp.wait()
        timer.cancel()
    }
}
