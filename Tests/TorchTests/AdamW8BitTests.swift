import Testing

@testable import Torch

extension Engine {
    /// AdamW with moments in 8 bits against PyTorch (`scripts/fixtures/adamw_8bit.py`).
    @Suite("AdamW in 8 bits")
    struct AdamW8BitTests {
        private func setGradient(_ parameter: Tensor, _ gradient: Tensor) throws {
            try parameter.clearGradient()
            try (parameter * gradient).sum().backward()
        }

        private func optimizer(_ values: Tensor, name: String = "weight") throws -> (AdamW, Tensor) {
            let parameter = try values.clone()
            try parameter.setRequiresGrad(true)
            let store = ParameterStore()
            try store.add(name, parameter)
            return (try AdamW(store, weightDecay: 0.1, moments: .eightBit), parameter)
        }

        /// The codes of a state, 0 to 255.
        private func codes(_ tensor: Tensor?) throws -> [Double] {
            let tensor = try #require(tensor)
            #expect(tensor.dtype == .int8)
            return try tensor.bytes().map(Double.init)
        }

        @Test("parameters, codes and scales after four steps are those of the same scheme in PyTorch")
        func matchesPyTorch() throws {
            let fixture = try Fixture("adamw_8bit")
            let (optimizer, parameter) = try optimizer(fixture("parameter"))
            for step in 1...4 {
                try setGradient(parameter, fixture("gradient.\(step)"))
                try optimizer.step(learningRate: 0.01)
                guard step == 1 || step == 4 else { continue }
                let state = try optimizer.state()
                let wanted = "expected.\(step)."
                try expectClose(parameter, fixture(wanted + "parameter"), relative: 2e-6, "step \(step)")
                for (name, moments) in [("first", state.firstMoments), ("second", state.secondMoments)] {
                    let own = try codes(moments["weight"])
                    let theirs: [Double] = try fixture(wanted + name).array()
                    // A number halfway between two may be rounded to either.
                    let different = zip(own, theirs).filter { $0 != $1 }
                    #expect(
                        different.count <= 5 && different.allSatisfy { abs($0 - $1) == 1 },
                        "\(name), step \(step)")
                    try expectClose(
                        #require(moments["weight.absmax"]), fixture(wanted + name + "_scales"),
                        relative: 1e-6,
                        "\(name) scales")
                }
            }
        }

        @Test("a state that is restored goes on with the same bits, on any number of threads")
        func goesOn() throws {
            let values = try Tensor.normal([70, 100], seed: 3)
            func run(stopAfter stop: Int?, threads: Int) throws -> [UInt8] {
                try Runtime.withThreadCount(threads) {
                    var (optimizer, parameter) = try optimizer(values)
                    for step in 0..<6 {
                        if step == stop {
                            let state = try optimizer.state()
                            (optimizer, parameter) = try self.optimizer(parameter.detached())
                            try optimizer.restore(state)
                        }
                        try setGradient(parameter, Tensor.normal([70, 100], seed: UInt64(step)))
                        try optimizer.step(learningRate: 0.01)
                    }
                    return try parameter.detached().bytes()
                }
            }
            let whole = try run(stopAfter: nil, threads: 1)
            #expect(try run(stopAfter: 3, threads: 1) == whole)
            #expect(try run(stopAfter: nil, threads: 2) == whole)
        }

        @Test("small parameters keep float32, and a state of the other kind is refused")
        func kinds() throws {
            let small = try optimizer(Tensor.normal([4095], seed: 1)).0
            #expect(try small.state().firstMoments["weight"]?.dtype == .float32)
            #expect(try small.state().firstMoments.count == 1)
            let (optimizer, parameter) = try optimizer(Tensor.normal([4096], seed: 1))
            #expect(try optimizer.state().firstMoments.count == 2)
            let store = ParameterStore()
            try store.add("weight", parameter)
            let plain = try AdamW(store, weightDecay: 0)
            let error = try #require(throws: TorchError.self) { try plain.restore(optimizer.state()) }
            #expect(error.description.contains("int8") && error.description.contains("'weight'"))
        }
    }
}
