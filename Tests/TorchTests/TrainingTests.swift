import Testing
import Torch

extension Engine {
    @Suite("Training")
    struct TrainingTests {
        @Test("a small network learns what no linear model can (exclusive or)")
        func exclusiveOr() throws {
            let store = ParameterStore()
            let root = ParameterScope(store: store, source: nil, seed: 3)
            let normal = ParameterInitializer.normal(standardDeviation: 1)
            let hidden = try Linear(root["hidden"], inputs: 2, outputs: 8, initializer: normal)
            let output = try Linear(root["output"], inputs: 8, outputs: 2, initializer: normal)
            let x = try Tensor([0, 0, 0, 1, 1, 0, 1, 1] as [Float], shape: [4, 2])
            let labels = try Tensor([0, 1, 1, 0] as [Int])
            let optimizer = try AdamW(store, weightDecay: 0)
            func logits() throws -> Tensor { try output(hidden(x).tanh()) }
            let before = try withNoGrad { try logits().crossEntropy(labels).item() }
            for _ in 0..<200 {
                try logits().crossEntropy(labels).backward()
                try optimizer.step(learningRate: 0.05)
                try optimizer.clearGradients()
            }
            let after = try withNoGrad { try logits() }
            #expect(before > 0.3)
            #expect(try after.crossEntropy(labels).item() < 0.02)
            #expect(try after.argmax().array(of: Int.self) == [0, 1, 1, 0])
        }

        @Test("the same seed gives the same weights, bit for bit; another seed others")
        func repeatable() throws {
            func run(seed: UInt64) throws -> [[UInt8]] {
                let training = try TinyTraining(seed: seed)
                for step in 0..<12 { try training.train(step) }
                return try training.bytes()
            }
            let first = try run(seed: 1)
            #expect(try run(seed: 1) == first)
            #expect(try run(seed: 2) != first)
        }

        @Test("training goes on from a saved state as if it had not stopped, bit for bit")
        func resuming() throws {
            let whole = try TinyTraining(seed: 1)
            for step in 0..<6 { try whole.train(step) }
            let parameters = try whole.model.store.snapshot()
            let state = try whole.optimizer.state()
            let position = whole.dropout.position
            for step in 6..<12 { try whole.train(step) }

            let resumed = try TinyTraining(seed: 99)
            try resumed.model.store.restore(parameters)
            try resumed.optimizer.restore(state)
            resumed.dropout.position = position
            #expect(resumed.optimizer.step == 6)
            for step in 6..<12 { try resumed.train(step) }
            #expect(try resumed.bytes() == whole.bytes())

            // Each part of the state matters: without the optimizer's, the weights differ.
            let partial = try TinyTraining(seed: 99)
            try partial.model.store.restore(parameters)
            partial.dropout.position = position
            for step in 6..<12 { try partial.train(step) }
            #expect(try partial.bytes() != whole.bytes())
        }

        @Test(
            "1,000 training steps: it learns, live tensors and resident memory stay flat",
            .disabled(if: isSanitized, "the sanitizer keeps what was freed"))
        func noLeak() async {
            // In a process of its own: both numbers are of the whole process, and other tests run beside this.
            await #expect(processExitsWith: .success) {
                let atStart = Runtime.liveTensorCount
                try trainWatchingMemory()
                #expect(Runtime.liveTensorCount == atStart, "everything is released with the model")
            }
        }
    }
}

private func trainWatchingMemory() throws {
    // So small a model gains nothing from threads, which wait for each other where the machine is busy.
    try Runtime.setThreadCount(1)
    let training = try TinyTraining(seed: 1)
    var losses: [Double] = []
    var liveTensors = 0
    var memory = 0
    for step in 0..<1000 {
        losses.append(try training.train(step))
        if step % 100 == 50 {
            // What a run does between steps must not leak either: evaluation, saving, refused operations.
            _ = try withNoGrad { try training.model(try training.batch(step).tokens, nil) }
            try training.model.store.restore(try training.model.store.snapshot())
            try training.optimizer.restore(try training.optimizer.state())
            #expect(throws: TorchError.self) { try training.model(try Tensor.ones([2, 2]), nil) }
        }
        if step == 10 { liveTensors = Runtime.liveTensorCount }
        // The caches of the allocator and of libtorch are full by then.
        if step == 200 { memory = try #require(residentMemory()) }
    }
    #expect(Runtime.liveTensorCount == liveTensors)
    let growth = try #require(residentMemory()) - memory
    #expect(growth < 4 << 20, "resident memory grew by \(growth) bytes in 800 steps")
    let early = losses[0..<50].reduce(0, +) / 50
    let late = losses[950..<1000].reduce(0, +) / 50
    #expect(late < 0.2 * early, "the loss went from \(early) to \(late)")
}
