import Foundation
import Synchronization

/// Ctrl-C and SIGTERM: the first asks the run to save what it has and end, the second ends the process.
enum Interrupt {
    private static let received = Atomic<Int32>(0)
    private static let keeps = Atomic<Bool>(false)

    /// Lets both reach this process. Whoever started it may have blocked them, as threads of Dispatch do.
    static func unblock() {
        var numbers = sigset_t()
        sigemptyset(&numbers)
        for number in [SIGINT, SIGTERM] { sigaddset(&numbers, number) }
        pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
    }

    /// - Parameter keepsWork: True if the work done until then is saved; else it is given up.
    static func install(keepsWork: Bool) {
        keeps.store(keepsWork, ordering: .relaxed)
        unblock()
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if Interrupt.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
                let message: StaticString =
                    Interrupt.keeps.load(ordering: .relaxed)
                    ? "\nStopping: saving what there is so far (again to quit at once).\n"
                    : "\nStopping (again to quit at once).\n"
                _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
            }
        }
    }

    /// True if the run should end.
    static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

    /// The exit code that a shell expects of a process that ended because of the signal.
    static var exitCode: Int32 { 128 + max(received.load(ordering: .relaxed), SIGINT) }
}
