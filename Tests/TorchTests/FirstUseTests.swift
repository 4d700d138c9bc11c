import Foundation
import Synchronization
import Testing

@testable import Torch

/// What is decided at first use is decided for all threads that come at once.
@Suite("First use")
struct FirstUseTests {
    @Test("threads that ask at once for the number of threads are never told 0")
    func threadCount() async {
        // In a process of its own, where nobody has asked before.
        await #expect(processExitsWith: .success) {
            let arrived = Atomic(0)
            let counts = Mutex<[Int]>([])
            let threads = 4
            let group = DispatchGroup()
            for _ in 0..<threads {
                group.enter()
                Thread.detachNewThread {
                    arrived.add(1, ordering: .sequentiallyConsistent)
                    while arrived.load(ordering: .sequentiallyConsistent) < threads {}
                    let count = Runtime.threadCount
                    counts.withLock { $0.append(count) }
                    group.leave()
                }
            }
            group.wait()
            let all = counts.withLock { $0 }
            #expect(all.count == threads && all.allSatisfy { $0 > 0 }, "\(all)")
        }
    }

    @Test("threads that set the number of threads for a while take turns, and the number stays as it was")
    func turns() async {
        // In a process of its own: other tests set the number too.
        await #expect(processExitsWith: .success) {
            let before = Runtime.threadCount
            let wrong = Mutex<[String]>([])
            let group = DispatchGroup()
            for count in 1...4 {
                group.enter()
                Thread.detachNewThread {
                    for _ in 0..<200 {
                        let seen = try? Runtime.withThreadCount(count) {
                            let inner = try Runtime.withThreadCount(count + 4) { Runtime.threadCount }
                            return [inner, Runtime.threadCount]
                        }
                        if seen != [count + 4, count] {
                            wrong.withLock { $0.append("\(count): \(seen ?? [])") }
                        }
                    }
                    group.leave()
                }
            }
            // What another thread has for a while is its own.
            for _ in 0..<20_000 where Runtime.threadCount != before {
                wrong.withLock { $0.append("\(Runtime.threadCount) outside of turns") }
            }
            group.wait()
            #expect(wrong.withLock { $0 } == [])
            #expect(Runtime.threadCount == before)
            #expect(throws: TorchError.self) { try Runtime.withThreadCount(0) {} }
            #expect(throws: CancellationError.self) {
                try Runtime.withThreadCount(before + 1) { throw CancellationError() }
            }
            #expect(Runtime.threadCount == before)
        }
    }
}
