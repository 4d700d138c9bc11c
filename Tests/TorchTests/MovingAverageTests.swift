import Foundation
import Testing

@testable import Torch

extension Engine {
    @Suite("Exponential moving average")
    struct MovingAverageTests {
        private func store(_ values: [Float]) throws -> ParameterStore {
            let store = ParameterStore()
            try store.add("a.weight", try Tensor(values))
            return store
        }

        private func value(_ store: ParameterStore) throws -> Double {
            Double(try #require(try store["a.weight"]?.array(of: Float.self).first))
        }

        @Test("follows its definition, warm-up included; weights come back, also after an error")
        func definition() throws {
            let store = try store([1, 1])
            let averages = try ExponentialMovingAverage(store, decay: 0.5)
            var expected = 1.0
            for step in 1...30 {
                try store["a.weight"]?.fill(Double(step))
                try averages.update()
                let decay = min(0.5, Double(1 + step) / Double(10 + step))
                expected = decay * expected + (1 - decay) * Double(step)
            }
            let inside = try averages.withAverages { try value(store) }
            #expect(abs(inside - expected) < 1e-4)
            #expect(try value(store) == 30)
            struct Failure: Error {}
            #expect(throws: Failure.self) { try averages.withAverages { throw Failure() } }
            #expect(try value(store) == 30)
        }

        @Test("with an interval, weights are taken in its steps only, with the decay of all of them")
        func interval() throws {
            let store = try store([0])
            let averages = try ExponentialMovingAverage(store, decay: 0.9, interval: 5)
            var due: [Int] = []
            for step in 1...10 {
                try store["a.weight"]?.fill(step == 5 ? 1 : 100)
                if averages.isDue { due.append(step) }
                try averages.update()
                if step == 5 {
                    var kept = 1.0
                    for step in 1...5 { kept *= Swift.min(0.9, Double(1 + step) / Double(10 + step)) }
                    #expect(abs(try averages.withAverages { try value(store) } - (1 - kept)) < 1e-6)
                }
            }
            #expect(due == [5, 10])
        }

        @Test("a state is a copy and brings an average back; another model's is refused")
        func state() throws {
            let store = try store([1])
            let averages = try ExponentialMovingAverage(store, decay: 0.5)
            try averages.update()
            let state = try averages.state()
            try store["a.weight"]?.fill(9)
            for _ in 0..<5 { try averages.update() }
            let moved = try averages.withAverages { try value(store) }
            try averages.restore(state)
            #expect(try averages.withAverages { try value(store) } == 1 && moved > 5)
            let other = ParameterStore()
            try other.add("b.weight", try Tensor([1] as [Float]))
            expectTorchError("'b.weight'") {
                try ExponentialMovingAverage(other, decay: 0.5).restore(state)
            }
        }
    }
}
