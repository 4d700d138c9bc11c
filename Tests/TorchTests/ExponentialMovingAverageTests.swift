import Testing
import Torch

extension Engine {
    @Suite("Averages of weights")
    struct ExponentialMovingAverageTests {
        private struct Failure: Error {}

        private func store(_ values: [String: [Float]]) throws -> ParameterStore {
            let store = ParameterStore()
            for (name, numbers) in values.sorted(by: { $0.key < $1.key }) {
                let tensor = try Tensor(numbers)
                try tensor.setRequiresGrad(true)
                try store.add(name, tensor)
            }
            return store
        }

        private func averages(_ average: ExponentialMovingAverage, _ name: String = "a") throws -> [Float] {
            try #require(average.state().averages[name]).array()
        }

        @Test("averages of every step, warm-up included, equal PyTorch's")
        func matchesPyTorch() throws {
            let fixture = try Fixture("averages")
            let (weights, expected) = (try fixture("weights"), try fixture("average"))
            let store = try store(["a": weights[0].array()])
            let average = try ExponentialMovingAverage(store, decay: 0.6)
            for step in 1...30 {
                #expect(average.isDue)
                try #require(store["a"]).copy(from: weights[step])
                try average.update()
                #expect(average.step == step)
                let own = try #require(average.state().averages["a"])
                try expectClose(own, expected[step], relative: 1e-6, "step \(step)")
            }
        }

        @Test("every third step: as if the weights had stood still in between")
        func interval() throws {
            let (sparse, dense) = (try store(["a": [1, -2]]), try store(["a": [1, -2]]))
            let ours = try ExponentialMovingAverage(sparse, decay: 0.5, updateAfter: 3)
            let reference = try ExponentialMovingAverage(dense, decay: 0.5)
            for step in 1...11 {
                try #require(sparse["a"]).copy(from: Tensor([Float(step), Float(step * step)]))
                #expect(ours.isDue == step.isMultiple(of: 3))
                let before = try averages(ours)
                try ours.update()
                if !step.isMultiple(of: 3) { #expect(try averages(ours) == before) }
                // The weights of step 3 stand for those of steps 1 to 3; what is left over counts at the end.
                let shown = min((step + 2) / 3 * 3, 11)
                try #require(dense["a"]).copy(from: Tensor([Float(shown), Float(shown * shown)]))
                try reference.update()
                if step.isMultiple(of: 3) {
                    try expectClose(
                        averages(ours).map(Double.init), averages(reference).map(Double.init), relative: 1e-6)
                }
            }
            try ours.catchUp()
            try expectClose(
                averages(ours).map(Double.init), averages(reference).map(Double.init), relative: 1e-6)
            let done = try averages(ours)
            try ours.catchUp()
            #expect(try averages(ours) == done)
            #expect(ours.step == 11 && !ours.isDue)
        }

        @Test("a body sees the averages in the parameters themselves; afterwards they have their own bits")
        func swaps() throws {
            let store = try store(["a": [1, 3], "b": [0.1]])
            let frozen = try Tensor([7] as [Float])
            try store.add("frozen", frozen)
            let average = try ExponentialMovingAverage(store, decay: 0)
            let a = try #require(store["a"])
            try average.update()
            try a.copy(from: Tensor([5, -0.3] as [Float]))
            let raw = try a.bytes()
            let result = try average.withAverages { () throws -> Int in
                #expect(try store["a"]?.array(of: Float.self) == [1, 3])
                #expect(store["a"] === a && a.requiresGrad)
                #expect(try frozen.array(of: Float.self) == [7])
                expectTorchError("update", "averages") { try average.update() }
                expectTorchError("catchUp") { try average.catchUp() }
                expectTorchError("withAverages") { try average.withAverages {} }
                #expect(try averages(average) == [1, 3])
                return 17
            }
            #expect(result == 17 && average.step == 1)
            #expect(try a.bytes() == raw)
            #expect(throws: Failure.self) {
                try average.withAverages { () throws in
                    #expect(try a.array(of: Float.self) == [1, 3])
                    throw Failure()
                }
            }
            #expect(try a.bytes() == raw)
            try average.update()
            #expect(try averages(average) == [5, -0.3])
            #expect(try average.state().averages["frozen"] == nil)
        }

        @Test("averaging leaves gradients and training alone")
        func training() throws {
            let (plain, averaged) = (try TinyTraining(seed: 3), try TinyTraining(seed: 3))
            let average = try ExponentialMovingAverage(averaged.model.store, decay: 0.9)
            for step in 0..<12 {
                #expect(try plain.train(step) == averaged.train(step))
                try average.update()
                if step == 5 {
                    let tokens = try averaged.batch(0).tokens
                    let raw = try averaged.model(tokens, nil).bytes()
                    try average.withAverages { () throws in
                        #expect(try averaged.model(tokens, nil).bytes() != raw)
                    }
                    #expect(try averaged.model(tokens, nil).bytes() == raw)
                }
            }
            #expect(try plain.bytes() == averaged.bytes())
        }

        @Test("a restored state goes on bit for bit")
        func restored() throws {
            func run(interrupted: Bool) throws -> [Float] {
                let store = try store(["a": [1, 2]])
                var average = try ExponentialMovingAverage(store, decay: 0.9, updateAfter: 3)
                for step in 1...10 {
                    if interrupted, step == 6 {
                        let state = try average.state()
                        try average.update()
                        average = try ExponentialMovingAverage(store, decay: 0.9, updateAfter: 3)
                        try average.restore(state)
                        #expect(average.step == 5 && average.isDue)
                    }
                    try #require(store["a"]).copy(from: Tensor([Float(step) / 3, 1 / Float(step)]))
                    try average.update()
                }
                try average.catchUp()
                return try averages(average)
            }
            #expect(try run(interrupted: true) == run(interrupted: false))
        }

        @Test("numbers out of range and states of other parameters are refused; nothing changes")
        func refusals() throws {
            let store = try store(["a": [1], "b": [2]])
            for decay in [-0.1, 1, .nan] as [Double] {
                expectTorchError("decay", "\(decay)") {
                    _ = try ExponentialMovingAverage(store, decay: decay)
                }
            }
            expectTorchError("at least 1, got 0") {
                _ = try ExponentialMovingAverage(store, decay: 0.9, updateAfter: 0)
            }
            let average = try ExponentialMovingAverage(store, decay: 0.9)
            try average.update()
            let good = try average.state()
            var lacking = good
            lacking.averages["b"] = nil
            lacking.averages["a"] = try .ones([1])
            expectTorchError("lacks the parameter 'b'") { try average.restore(lacking) }
            var misshapen = good
            misshapen.averages["b"] = try .zeros([2])
            expectTorchError("'b'", "[1]", "[2]") { try average.restore(misshapen) }
            var reversed = good
            reversed.averagedStep = 2
            expectTorchError("step 1", "step 2") { try average.restore(reversed) }
            #expect(average.step == 1)
            #expect(try averages(average) == [1])
        }
    }
}
