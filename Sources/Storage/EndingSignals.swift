#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The signals that ask a program to end: Ctrl-C and SIGTERM.
package enum EndingSignals {
    package static let all = [SIGINT, SIGTERM]

    /// Lets them reach this process. Whoever started it may have blocked them, as threads of Dispatch do.
    package static func unblock() {
        var numbers = sigset_t()
        sigemptyset(&numbers)
        for number in all { sigaddset(&numbers, number) }
        pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
    }
}
