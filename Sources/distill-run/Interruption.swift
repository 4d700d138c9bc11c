import Storage
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A signal that ends the program while it writes a file, whose beginning is removed first.
struct Interruption: Error, CustomStringConvertible {
    /// The signal.
    let number: Int32

    var description: String { "stopped; nothing was written" }

    private static let received = Atomic<Int32>(0)

    /// Has Ctrl-C and SIGTERM noted in place of ending the program; the second one ends it at once.
    static func install() {
        EndingSignals.unblock()
        for number in EndingSignals.all {
            signal(number) { number in
                if Interruption.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
            }
        }
    }

    /// - Throws: ``Interruption`` after a signal.
    static func check() throws {
        let number = received.load(ordering: .relaxed)
        if number != 0 { throw Interruption(number: number) }
    }
}
