import Foundation

/// Makes elements ahead of their use, on a thread of its own, and hands them out in order.
///
/// At most `depth` finished elements wait. An error of the producer is thrown by ``next()`` in place of the element. The thread
/// ends with the last element, with an error, at ``stop()``, or when the prefetcher is released.
final class BatchPrefetcher<Element: Sendable> {
    private let queue: PrefetchQueue<Element>

    /// - Parameters:
    ///   - depth: The number of elements made ahead, at least 1.
    ///   - produce: Makes the element at an index, counted from 0; `nil` after the last. It is called for one index
    ///     after another, never at the same time.
    init(depth: Int = 3, produce: @escaping @Sendable (Int) throws -> Element?) {
        let queue = PrefetchQueue<Element>(depth: max(1, depth))
        self.queue = queue
        let thread = Thread {
            var index = 0
            while queue.hasRoom() {
                let result = Result { try produce(index) }
                queue.put(result)
                guard case .success(.some) = result else { break }
                index += 1
            }
            queue.finish()
        }
        thread.name = "distill.prefetch"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { queue.stop() }

    /// The next element; `nil` after the last, and after ``stop()``.
    func next() throws -> Element? { try queue.take() }

    /// Ends the thread and waits until it has ended.
    func stop() { queue.stop() }
}

/// The state that the two threads share, behind one lock.
private final class PrefetchQueue<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let depth: Int
    private var results: [Result<Element?, any Error>] = []
    private var isStopped = false
    private var isFinished = false

    init(depth: Int) { self.depth = depth }

    private func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body()
    }

    /// Waits for room.
    ///
    /// - Returns: `false` where no more is wanted.
    func hasRoom() -> Bool {
        locked {
            while results.count >= depth, !isStopped { condition.wait() }
            return !isStopped
        }
    }

    func put(_ result: Result<Element?, any Error>) { locked { results.append(result) } }

    func finish() { locked { isFinished = true } }

    func take() throws -> Element? {
        try locked {
            while results.isEmpty, !isFinished, !isStopped { condition.wait() }
            guard !isStopped, !results.isEmpty else { return nil }
            return try results.removeFirst().get()
        }
    }

    func stop() {
        locked {
            isStopped = true
            results = []
            condition.broadcast()
            while !isFinished { condition.wait() }
            results = []
        }
    }
}
