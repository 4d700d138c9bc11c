import Foundation
import Storage
import Synchronization
import Testing

@Suite("Threads")
struct ThreadsTests {
    @Test("each number is called once, also within another call", arguments: [0, 1, 2, 7, 100])
    func perform(count: Int) {
        let calls = Mutex<[Int]>([])
        Threads.perform(count) { number in
            Threads.perform(2) { inner in calls.withLock { $0.append(2 * number + inner) } }
        }
        #expect(calls.withLock { $0.sorted() } == Array(0..<2 * count))
    }

    @Test("a thread runs its body once, and can be waited for")
    func start() throws {
        let isDone = Mutex(0)
        let thread = try #require(Threads.start { isDone.withLock { $0 += 1 } })
        pthread_join(thread, nil)
        #expect(isDone.withLock { $0 } == 1)
    }
}
