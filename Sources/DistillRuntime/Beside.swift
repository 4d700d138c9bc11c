import Storage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Work on a thread beside, whose result is asked for later.
final class Beside<Value> {
    private final class Outcome {
        var result: Result<Value, any Error>?
    }

    private let outcome = Outcome()
    private var thread: pthread_t?

    /// Begins; where no thread can be started, ends too.
    init(_ body: @escaping () throws -> Value) {
        let outcome = outcome
        let work = { outcome.result = Result(catching: body) }
        thread = Threads.start(work)
        if thread == nil { work() }
    }

    deinit { join() }

    /// Waits for the result.
    ///
    /// - Throws: The error of the work.
    func value() throws -> Value {
        join()
        guard let result = outcome.result else { throw RuntimeError.outOfMemory }
        return try result.get()
    }

    private func join() {
        if let thread { pthread_join(thread, nil) }
        thread = nil
    }
}
