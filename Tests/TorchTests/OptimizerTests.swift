import Testing
import Torch

extension Engine {
    @Suite("AdamW and clipping")
    struct OptimizerTests {
        /// Makes `gradient` the gradient of a parameter.
        private func setGradient(_ parameter: Tensor, _ gradient: Tensor) throws {
            try parameter.clearGradient()
            try (parameter * gradient).sum().backward()
        }

        private func parameter(_ values: [Float]) throws -> Tensor {
            let tensor = try Tensor(values)
            try tensor.setRequiresGrad(true)
            return tensor
        }

        @Test("five steps with two groups, clipping and a schedule equal PyTorch's")
        func matchesPyTorch() throws {
            let fixture = try Fixture("adamw")
            let names = ["decay", "no_decay"]
            var entries: [String: ParameterStore.Entry] = [:]
            let store = ParameterStore()
            for name in names {
                let tensor = try fixture("\(name).initial")
                try tensor.setRequiresGrad(true)
                try store.add(name, tensor)
            }
            for entry in store.entries { entries[entry.name] = entry }
            let optimizer = try AdamW([
                .init(parameters: [try #require(entries["decay"])], weightDecay: 0.1),
                .init(parameters: [try #require(entries["no_decay"])], weightDecay: 0),
            ])
            let schedule = LearningRateSchedule(peak: 0.01, warmupSteps: 2, totalSteps: 6, decay: .linear)

            for step in 0..<5 {
                let rate = schedule.learningRate(atStep: step)
                try expectClose([rate], [try fixture("step\(step).lr").item()], relative: 1e-12)
                for name in names {
                    let tensor = try #require(store[name])
                    try setGradient(tensor, try fixture("step\(step).\(name).grad"))
                }
                let norm = try optimizer.clipGradients(maxNorm: 1)
                try expectClose([norm], [try fixture("step\(step).norm").item()], relative: 1e-6)
                try optimizer.step(learningRate: rate)
                #expect(optimizer.step == step + 1)
                let state = try optimizer.state()
                for name in names {
                    let tensor = try #require(store[name])
                    let key = "step\(step).\(name)"
                    try expectClose(try #require(try tensor.gradient), try fixture("\(key).clipped"), key)
                    try expectClose(tensor, try fixture("\(key).value"), relative: 2e-6, key)
                    let first = try #require(state.firstMoments[name])
                    try expectClose(first, try fixture("\(key).exp_avg"), key)
                    let second = try #require(state.secondMoments[name])
                    try expectClose(second, try fixture("\(key).exp_avg_sq"), key)
                }
            }
        }

        @Test("clipping scales all gradients together, and only when they are too long")
        func clipping() throws {
            let a = try parameter([1, 1])
            let b = try parameter([1])
            let store = ParameterStore()
            try store.add("a.weight", a)
            try store.add("b.bias", b)
            let optimizer = try AdamW(store, weightDecay: 0.1)
            func set() throws {
                try setGradient(a, try Tensor([3, 0] as [Float]))
                try setGradient(b, try Tensor([4] as [Float]))
            }
            try set()
            #expect(try optimizer.clipGradients(maxNorm: 6) == 5)
            #expect(try a.gradient?.array(of: Float.self) == [3, 0])
            #expect(try optimizer.clipGradients(maxNorm: 2.5) == 5)
            try expectClose(try #require(try a.gradient).array(), [1.5, 0], relative: 1e-6)
            try expectClose(try #require(try b.gradient).array(), [2], relative: 1e-6)

            try setGradient(b, try Tensor([.infinity] as [Float]))
            #expect(try optimizer.clipGradients(maxNorm: 1) == .infinity)
            try setGradient(b, try Tensor([.nan] as [Float]))
            #expect(try optimizer.clipGradients(maxNorm: 1).isNaN)
            for limit in [-1, 0, .nan] as [Double] {
                expectTorchError("clip_grad_norm_", "must be positive") {
                    try optimizer.clipGradients(maxNorm: limit)
                }
            }
        }

        @Test("a step that waits for nothing is clipping and a step", arguments: [0.5, 2.5, 6, .infinity])
        func withoutWaiting(limit: Double) throws {
            func run(_ step: (AdamW) throws -> Double) throws -> (norms: [Double], values: [[Float]]) {
                let (a, b) = (try parameter([1, 1]), try parameter([1]))
                let store = ParameterStore()
                try store.add("a.weight", a)
                try store.add("b.bias", b)
                let optimizer = try AdamW(store, weightDecay: 0.1)
                let norms = try (1...4).map { round in
                    try setGradient(a, try Tensor([3, Float(round)] as [Float]))
                    try setGradient(b, try Tensor([4] as [Float]))
                    return try step(optimizer)
                }
                return (norms, [try a.detached().array(), try b.detached().array()])
            }
            let wanted = try run {
                let norm = try $0.clipGradients(maxNorm: limit)
                try $0.step(learningRate: 0.1)
                return norm
            }
            let loss = try Tensor(1 as Float)
            let found = try run {
                try $0.stepWithoutWaiting(learningRate: 0.1, maxNorm: limit, losses: [loss]).item()
            }
            for (own, other) in zip(found.norms, wanted.norms) { #expect(abs(own - other) < 1e-5) }
            for (own, other) in zip(found.values, wanted.values) {
                try expectClose(own.map(Double.init), other.map(Double.init), relative: 1e-5)
            }
        }

        @Test(
            "from a loss or norm that is not finite on, such steps change nothing", arguments: [true, false])
        func withoutWaitingNotFinite(isLoss: Bool) throws {
            let a = try parameter([1, 1])
            let store = ParameterStore()
            try store.add("a.weight", a)
            let optimizer = try AdamW(store, weightDecay: 0.1)
            func step(_ gradient: Float, loss: Float) throws -> [Float] {
                try setGradient(a, try Tensor([3, gradient] as [Float]))
                let losses = [try Tensor(0 as Float), try Tensor(loss)]
                _ = try optimizer.stepWithoutWaiting(learningRate: 0.1, maxNorm: 1, losses: losses)
                return try a.detached().clone().array()
            }
            let first = try step(1, loss: 0)
            #expect(first != [1, 1])
            #expect(try step(isLoss ? 1 : .infinity, loss: isLoss ? .nan : 0) == first)
            #expect(try step(1, loss: 0) == first)
            // A restored state is a new beginning.
            try optimizer.restore(optimizer.state())
            #expect(try step(1, loss: 0) != first)
        }

        @Test("biases and normalization weights do not decay, frozen parameters are left out")
        func groups() throws {
            let store = ParameterStore()
            let decaying = [
                "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.attention.self.query.weight",
                "classifier.weight",
            ]
            let others = [
                "bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias",
                "bert.encoder.layer.0.attention.self.query.bias",
                "bert.encoder.layer.0.output.LayerNorm.weight", "encoder.layer_norm.weight",
                "classifier.bias",
                "bias",
            ]
            for name in decaying + others { try store.add(name, try parameter([1, 2])) }
            let frozen = try Tensor.ones([2])
            try store.add("frozen.weight", frozen)
            let optimizer = try AdamW(store, weightDecay: 0.1)
            #expect(optimizer.groups.map(\.weightDecay) == [0.1, 0])
            #expect(optimizer.groups[0].parameters.map(\.name) == decaying)
            #expect(optimizer.groups[1].parameters.map(\.name) == others)
            #expect(optimizer.parameters.count == decaying.count + others.count)

            // With a gradient of zero, decay is all that happens.
            for tensor in optimizer.parameters { try setGradient(tensor, try .zeros([2])) }
            try optimizer.step(learningRate: 0.5)
            for name in decaying {
                try expectClose(try #require(store[name]).array(), [0.95, 1.9], relative: 1e-6, name)
            }
            for name in others { #expect(try store[name]?.array(of: Float.self) == [1, 2], "\(name)") }
            #expect(try frozen.array(of: Float.self) == [1, 1])
        }

        @Test("a step without any gradient is refused, and changes nothing")
        func missingGradients() throws {
            let store = ParameterStore()
            try store.add("a.weight", try parameter([1]))
            let optimizer = try AdamW(store, weightDecay: 0.1)
            expectTorchError("no parameter has a gradient") { try optimizer.step(learningRate: 1) }
            #expect(try optimizer.clipGradients(maxNorm: 1) == 0)
            #expect(optimizer.step == 0)
            #expect(try store["a.weight"]?.array(of: Float.self) == [1])
        }

        @Test("a parameter without a gradient is passed over, and its first step is its first")
        func missingGradient() throws {
            func pair() throws -> ParameterStore {
                let store = ParameterStore()
                try store.add("a.weight", try parameter([1, 2]))
                try store.add("b.weight", try parameter([3, 4]))
                return store
            }
            let (late, fresh) = (try pair(), try pair())
            let (optimizer, other) = (
                try AdamW(late, weightDecay: 0.1), try AdamW(fresh, weightDecay: 0.1)
            )
            let gradient = try Tensor([0.5, -0.25] as [Float])
            for step in 0..<3 {
                try optimizer.clearGradients()
                try setGradient(try #require(late["a.weight"]), gradient)
                if step == 2 { try setGradient(try #require(late["b.weight"]), gradient) }
                try optimizer.step(learningRate: 0.01)
                if step < 2 { #expect(try late["b.weight"]?.array(of: Float.self) == [3, 4]) }
            }
            try setGradient(try #require(fresh["b.weight"]), gradient)
            try other.step(learningRate: 0.01)
            #expect(
                try late["b.weight"]?.array(of: Float.self) == fresh["b.weight"]?.array(of: Float.self))
            #expect(try late["b.weight"]?.array(of: Float.self) != [3, 4])
            // A state carries each parameter's own steps.
            let third = try AdamW(late, weightDecay: 0.1)
            try third.restore(optimizer.state())
            #expect(try third.state().steps == ["a.weight": 3, "b.weight": 1])
        }

        @Test("a state is a copy; one of other parameters is refused, and nothing changes")
        func state() throws {
            let store = ParameterStore()
            let a = try parameter([1])
            let b = try parameter([1])
            try store.add("a.weight", a)
            try store.add("b.weight", b)
            let optimizer = try AdamW(store, weightDecay: 0)
            let start = try optimizer.state()
            for tensor in [a, b] { try setGradient(tensor, try .ones([1])) }
            try optimizer.step(learningRate: 0.1)
            #expect(start.step == 0)
            #expect(try start.firstMoments["a.weight"]?.item() == 0)
            let moved = try optimizer.state()
            try expectClose([try #require(moved.firstMoments["a.weight"]).item()], [0.1], relative: 1e-6)

            var lacking = start
            lacking.secondMoments["b.weight"] = nil
            expectTorchError("lacks the parameter 'b.weight'") { try optimizer.restore(lacking) }
            var misshapen = start
            misshapen.firstMoments["b.weight"] = try .zeros([2])
            expectTorchError("[1]", "[2]") { try optimizer.restore(misshapen) }
            #expect(optimizer.step == 1)
            let after = try optimizer.state()
            #expect(try after.firstMoments["a.weight"]?.bytes() == moved.firstMoments["a.weight"]?.bytes())
        }

        @Test("a group's scale multiplies the rate of its every step")
        func scales() throws {
            func run(scale: Double, rate: Double) throws -> [UInt8] {
                let store = ParameterStore()
                let a = try parameter([1, -2, 3])
                try store.add("a", a)
                let optimizer = try AdamW([
                    .init(parameters: store.entries, weightDecay: 0.1, learningRateScale: scale)
                ])
                for step in 1...4 {
                    try setGradient(a, try Tensor([0.5, Float(step), -1]))
                    try optimizer.step(learningRate: rate * Double(step))
                }
                return try a.bytes()
            }
            // Powers of two, so that both products are exact.
            #expect(try run(scale: 0.25, rate: 0.5) == run(scale: 1, rate: 0.125))
            #expect(try run(scale: 0.25, rate: 0.5) != run(scale: 1, rate: 0.5))
        }

        @Test("layer-wise decay gives every depth its own two groups, and decay 1 the usual two")
        func layerWise() throws {
            let store = ParameterStore()
            let names = ["deep.weight", "deep.bias", "middle.weight", "top.weight", "top.bias"]
            for name in names { try store.add(name, try parameter([1, 2])) }
            let projections = ParameterStore()
            try projections.add("projection.weight", try parameter([3]))
            func depth(_ name: String) -> Int {
                name.hasPrefix("deep") ? 3 : name.hasPrefix("middle") ? 1 : 0
            }

            let optimizer = try AdamW(
                [store, projections], weightDecay: 0.1, layerDecay: 0.5, depth: depth)
            #expect(
                optimizer.groups.map { $0.parameters.map(\.name) } == [
                    ["top.weight", "projection.weight"], ["top.bias"], ["middle.weight"], ["deep.weight"],
                    ["deep.bias"],
                ])
            #expect(optimizer.groups.map(\.learningRateScale) == [1, 1, 0.5, 0.125, 0.125])
            #expect(optimizer.groups.map(\.weightDecay) == [0.1, 0, 0.1, 0.1, 0])
            #expect(Set(try optimizer.state().firstMoments.keys) == Set(names + ["projection.weight"]))

            let plain = try AdamW([store], weightDecay: 0.1, layerDecay: 1, depth: depth)
            #expect(
                plain.groups.map { $0.parameters.map(\.name) } == [
                    ["deep.weight", "middle.weight", "top.weight"], ["deep.bias", "top.bias"],
                ])
            #expect(plain.groups.map(\.learningRateScale) == [1, 1])
            for decay in [0, -0.5, 1.5, .nan] as [Double] {
                expectTorchError("above 0 and at most 1") {
                    _ = try AdamW([store], weightDecay: 0.1, layerDecay: decay, depth: depth)
                }
            }
            expectTorchError("'deep.weight' has depth -1") {
                _ = try AdamW([store], weightDecay: 0.1, layerDecay: 0.5) { _ in -1 }
            }
        }

        @Test("a name in two stores is refused")
        func sharedName() throws {
            let stores = [ParameterStore(), ParameterStore()]
            for store in stores { try store.add("a.weight", try parameter([1])) }
            expectTorchError("'a.weight'", "its own name") { _ = try AdamW(stores, weightDecay: 0) }
        }

        @Test("the state of two stores with several groups is restored by name into groups of another order")
        func stateAcrossStores() throws {
            let stores = [ParameterStore(), ParameterStore()]
            try stores[0].add("a.weight", try parameter([1, 2]))
            try stores[1].add("b.weight", try parameter([3]))
            let one = try AdamW(stores, weightDecay: 0.1, layerDecay: 0.5) { $0 == "a.weight" ? 1 : 0 }
            try setGradient(try #require(stores[0]["a.weight"]), try Tensor([1, -1] as [Float]))
            try setGradient(try #require(stores[1]["b.weight"]), try Tensor([2] as [Float]))
            try one.step(learningRate: 0.1)
            let state = try one.state()
            let two = try AdamW(stores.reversed(), weightDecay: 0.1)
            try two.restore(state)
            let restored = try two.state()
            #expect(restored.step == 1)
            try expectClose(
                try #require(restored.firstMoments["a.weight"]).array(), [0.1, -0.1], relative: 1e-6)
            try expectClose(try #require(restored.firstMoments["b.weight"]).array(), [0.2], relative: 1e-6)
        }
    }
}
