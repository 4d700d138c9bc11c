import Distillation
import Files
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM: the first asks the run to save what it has and end, the second ends the process.
enum Interrupt {
    /// What a command does with its work when it is stopped.
    enum Kind: Int {
        /// The work is given up.
        case nothing
        /// What was done until then is saved.
        case keepsWork
        /// The same at Ctrl-C; at SIGTERM, which clusters send before they take a machine away, what a later start goes on from
        /// is saved at once.
        case checkpoints
    }

    /// The exit code of a process that was stopped by SIGTERM, and whose work goes on where it is started again with `--resume`:
    /// `EX_TEMPFAIL` of `sysexits.h`.
    static let resumableCode: Int32 = 75

    private static let received = Atomic<Int32>(0)
    private static let kind = Atomic<Int>(0)
    /// True where another process says that the work stops.
    static let isSilent = Atomic(false)

    static func install(_ kind: Kind) {
        Self.kind.store(kind.rawValue, ordering: .relaxed)
        EndingSignals.unblock()
        for number in EndingSignals.all {
            signal(number) { number in
                if Interrupt.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
                if Interrupt.isSilent.load(ordering: .relaxed) { return }
                let kind = Interrupt.kind.load(ordering: .relaxed)
                let message: StaticString =
                    kind == Kind.nothing.rawValue
                    ? "\nStopping (again to quit at once).\n"
                    : kind == Kind.checkpoints.rawValue && number == SIGTERM
                        ? "\nStopping: saving a checkpoint (again to quit at once).\n"
                        : "\nStopping: saving what there is so far (again to quit at once).\n"
                _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
            }
        }
    }

    /// True if the run should end.
    static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

    /// How the run should end; `nil` where it should go on.
    static var stopRequest: StopRequest? {
        switch received.load(ordering: .relaxed) {
        case 0: nil
        case SIGTERM where goesOn: .checkpoint
        default: .finish
        }
    }

    private static var goesOn: Bool { kind.load(ordering: .relaxed) == Kind.checkpoints.rawValue }

    /// The exit code that says what ended the process: a shell's for the signal, or ``resumableCode``.
    static var exitCode: Int32 {
        let number = max(received.load(ordering: .relaxed), SIGINT)
        return number == SIGTERM && goesOn ? resumableCode : 128 + number
    }
}
