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
}
