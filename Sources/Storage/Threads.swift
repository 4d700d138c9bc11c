#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Work on several threads, which are the system's own: where no more can be started, those that run do all of it.
package enum Threads {
    /// Calls a body for each number below a count, on up to as many threads, and returns when all have ended.
    ///
    /// - Parameters:
    ///   - count: The number of calls.
    ///   - body: The work; it is given its number.
    package static func perform(_ count: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            let work = Work(count: count, body: body)
            var threads: [pthread_t] = []
            for _ in 0..<max(0, count - 1) {
                guard let thread = start({ work.run() }) else { break }
                threads.append(thread)
            }
            work.run()
            for thread in threads { pthread_join(thread, nil) }
        }
    }

    /// Starts a thread.
    ///
    /// - Returns: What `pthread_join` takes; `nil` where the system starts no more, and the body was not called.
    package static func start(_ body: @escaping () -> Void) -> pthread_t? {
        let box = Unmanaged.passRetained(Body(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                    Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().call()
                #else
                    if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().call() }
                #endif
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            return nil
        }
        return thread
    }

    private final class Body {
        let call: () -> Void
        init(_ call: @escaping () -> Void) { self.call = call }
    }

    /// Numbers that threads take one by one.
    private final class Work {
        private var next = 0
        private let count: Int
        private let body: (Int) -> Void
        private var lock = pthread_mutex_t()

        init(count: Int, body: @escaping (Int) -> Void) {
            (self.count, self.body) = (count, body)
            pthread_mutex_init(&lock, nil)
        }

        deinit { pthread_mutex_destroy(&lock) }

        func run() {
            while let number = take() { body(number) }
        }

        private func take() -> Int? {
            pthread_mutex_lock(&lock)
            defer { pthread_mutex_unlock(&lock) }
            guard next < count else { return nil }
            next += 1
            return next - 1
        }
    }
}
