import Foundation
import Synchronization
import Testing

@testable import Distillation

@Suite("Prefetching")
struct BatchPrefetcherTests {
    struct Failure: Error, Equatable { let place: Int }

    @Test("elements come in order, and all of them", arguments: [1, 2, 4, 100])
    func order(depth: Int) throws {
        let prefetcher = BatchPrefetcher<Int>(depth: depth) { $0 < 50 ? $0 * $0 : nil }
        var found: [Int] = []
        while let element = try prefetcher.next() { found.append(element) }
        #expect(found == (0..<50).map { $0 * $0 })
        #expect(try prefetcher.next() == nil)
    }

    @Test("an error is thrown in its place, and nothing is made after it")
    func error() throws {
        let prefetcher = BatchPrefetcher<Int> { place in
            if place == 3 { throw Failure(place: place) }
            return place
        }
        for place in 0..<3 { #expect(try prefetcher.next() == place) }
        #expect(throws: Failure(place: 3)) { try prefetcher.next() }
        #expect(try prefetcher.next() == nil)
    }

    @Test("no more is made than is wanted, and stopping ends the thread")
    func stop() throws {
        let made = Counter()
        do {
            let prefetcher = BatchPrefetcher<Int>(depth: 2) { place in
                made.value.add(1, ordering: .relaxed)
                return place
            }
            #expect(try prefetcher.next() == 0)
            Thread.sleep(forTimeInterval: 0.05)
            #expect(made.value.load(ordering: .relaxed) <= 4)
            prefetcher.stop()
            #expect(try prefetcher.next() == nil)
            let after = made.value.load(ordering: .relaxed)
            Thread.sleep(forTimeInterval: 0.05)
            #expect(made.value.load(ordering: .relaxed) == after)
        }
        // One that is dropped while its thread waits for room does not hang.
        _ = BatchPrefetcher<Int>(depth: 1) { $0 }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
