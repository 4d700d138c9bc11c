import Foundation
import Testing
import Torch

extension Engine {
    @Suite("Automatic differentiation")
    struct AutogradTests {
        private func leaf(_ values: [Float] = [1, 2, 3]) throws -> Tensor {
            let tensor = try Tensor(values)
            try tensor.setRequiresGrad(true)
            return tensor
        }

        private struct Interruption: Error {}

        @Test("a graph is recorded from leaves that require a gradient")
        func recording() throws {
            let x = try leaf()
            #expect(x.requiresGrad)
            #expect(try (x * 2).requiresGrad)
            #expect(try !(Tensor.ones([3]) * 2).requiresGrad)
            #expect(try !x.greater(1).requiresGrad)
            try x.setRequiresGrad(false)
            #expect(try !(x * 2).requiresGrad)
        }

        @Test("without gradients nothing is recorded, and recording is restored after")
        func noGrad() throws {
            let x = try leaf()
            let y = try withNoGrad {
                let inner = try withNoGrad { try x * 2 }
                // Leaving the inner block does not switch recording on in the outer one.
                let outer = try x * 3
                #expect(!inner.requiresGrad && !outer.requiresGrad)
                return outer
            }
            #expect(!y.requiresGrad)
            #expect(try (x * 2).requiresGrad)
            expectTorchError("backward(float32[])") { try y.sum().backward() }
        }

        @Test("recording is restored after a throw")
        func noGradThrows() throws {
            let x = try leaf()
            #expect(throws: Interruption.self) { let _: Tensor = try withNoGrad { throw Interruption() } }
            #expect(try (x * 2).requiresGrad)
            #expect(throws: TorchError.self) { try withNoGrad { try x.matmul(try Tensor.zeros([2, 2])) } }
            #expect(try (x * 2).requiresGrad)
        }

        @Test("another thread goes on recording")
        func otherThread() throws {
            let x = try leaf()
            let recorded = Mailbox()
            let here = try withNoGrad {
                let thread = Thread {
                    // A tensor of its own: tensors do not cross threads.
                    let other = try? Tensor([1] as [Float])
                    try? other?.setRequiresGrad(true)
                    recorded.put((try? other?.square().requiresGrad) ?? false)
                }
                thread.start()
                #expect(recorded.take())
                return try x * 2
            }
            #expect(!here.requiresGrad)
        }

        @Test("gradients accumulate until they are cleared")
        func accumulation() throws {
            let x = try leaf()
            #expect(try x.gradient == nil)
            for times in 1...3 {
                try x.square().sum().backward()
                let expected = [2, 4, 6].map { Float($0 * times) }
                #expect(try x.gradient?.array(of: Float.self) == expected)
            }
            try x.clearGradient()
            #expect(try x.gradient == nil)
            try x.square().sum().backward()
            #expect(try x.gradient?.array(of: Float.self) == [2, 4, 6])
        }

        @Test("a tensor used twice gets the gradients of both uses")
        func reuse() throws {
            let x = try leaf()
            try (x * x + 3 * x).sum().backward()
            #expect(try x.gradient?.array(of: Float.self) == [5, 7, 9])
        }

        @Test("a detached tensor stops the gradient and shares the elements")
        func detaching() throws {
            let x = try leaf()
            let detached = try x.detached()
            #expect(!detached.requiresGrad)
            try (x * detached).sum().backward()
            #expect(try x.gradient?.array(of: Float.self) == [1, 2, 3])
            #expect(try detached.gradient == nil)
            try x.fill(7)
            #expect(try detached.array(of: Float.self) == [7, 7, 7])
        }

        @Test("only a scalar that depends on a leaf goes backward, and only once")
        func refusals() throws {
            let x = try leaf()
            expectTorchError("backward(float32[3])", "scalar") { try (x * 2).backward() }
            #expect(try x.gradient == nil)
            expectTorchError("backward(float32[])") { try Tensor.ones([3]).sum().backward() }
            let loss = try x.square().sum()
            try loss.backward()
            expectTorchError("backward(float32[])", "second time") { try loss.backward() }
            #expect(try x.gradient?.array(of: Float.self) == [2, 4, 6])
            expectTorchError("requires_grad_(float32[3])", "leaf") { try (x * 2).setRequiresGrad(false) }
        }

        @Test("overwriting a leaf records nothing")
        func overwriting() throws {
            let x = try leaf()
            try x.copy(from: try Tensor([4, 5, 6] as [Float]))
            try x.square().sum().backward()
            #expect(try x.gradient?.array(of: Float.self) == [8, 10, 12])
        }

        @Test("overwriting what backward needs is noticed")
        func staleGraph() throws {
            let x = try leaf()
            let factor = try Tensor([1, 2, 3] as [Float])
            let loss = try (x * factor).sum()
            try factor.fill(0)
            expectTorchError("backward(float32[])", "inplace operation") { try loss.backward() }
        }

        @Test("two half batches give the gradient of one whole batch")
        func accumulationEqualsLargeBatch() throws {
            let inputs = try Tensor.normal([8, 4], seed: 1, dtype: .float64)
            let labels = try Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int])
            let weight = try Tensor.normal([3, 4], seed: 2, dtype: .float64)
            try weight.setRequiresGrad(true)
            try inputs.linear(weight).crossEntropy(labels).backward()
            let whole = try #require(try weight.gradient).clone()
            try weight.clearGradient()
            for half in [0..<4, 4..<8] {
                try (inputs[half].linear(weight).crossEntropy(labels[half]) * 0.5).backward()
            }
            try expectClose(try #require(try weight.gradient), whole, relative: 1e-13)
        }
    }
}

/// Hands one value from one thread to another.
private final class Mailbox: @unchecked Sendable {
    private let filled = DispatchSemaphore(value: 0)
    private var value = false

    func put(_ value: Bool) {
        self.value = value
        filled.signal()
    }

    func take() -> Bool {
        filled.wait()
        return value
    }
}
