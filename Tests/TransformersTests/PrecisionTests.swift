import Testing
import Torch

@testable import Transformers

@Suite("bfloat16")
struct PrecisionTests {
    private func input() throws -> ModelInput {
        let ids: [Int64] = [2, 7, 9, 11, 3, 2, 15, 3, 0, 0]
        let mask: [Int64] = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]
        return ModelInput(
            inputIDs: try Tensor(ids, shape: [2, 5]), attentionMask: try Tensor(mask, shape: [2, 5]),
            tokenTypeIDs: nil)
    }

    /// A bfloat16 has 8 significant bits, so an operation rounds by up to 0.4 %, and some dozens lie between the
    /// embeddings and the loss: directions are kept, single elements are not.
    @Test("logits are float32's but for rounding, and every gradient points where float32's does")
    func agreement() throws {
        func run(_ precision: Precision) throws -> (logits: [Float], gradients: [String: Tensor]) {
            let model = try smallModel()
            let logits = try model(input(), precision: precision).logits
            #expect(logits.dtype == .float32)
            try logits.crossEntropy(Tensor([0, 1] as [Int64])).backward()
            var gradients: [String: Tensor] = [:]
            for entry in model.parameters.entries { gradients[entry.name] = try entry.tensor.gradient }
            return (try logits.array(), gradients)
        }
        let (exact, rounded) = (try run(.float32), try run(.bfloat16))
        #expect(exact.logits != rounded.logits)
        for (a, b) in zip(exact.logits, rounded.logits) { #expect(abs(a - b) < 0.05 * max(1, abs(a))) }
        for (name, gradient) in exact.gradients {
            let other = try #require(rounded.gradients[name])
            #expect(other.dtype == .float32)
            let size = try gradient.square().sum().item().squareRoot()
            // The key bias does not change attention: its gradient is zero but for rounding.
            guard size > 1e-4 else { continue }
            let otherSize = try other.square().sum().item().squareRoot()
            let cosine = try (gradient * other).sum().item() / (size * otherSize)
            #expect(
                cosine > 0.99 && abs(otherSize / size - 1) < 0.1,
                "\(name): \(cosine), \(otherSize) of \(size)")
        }
    }

    /// What the layers of a fresh model add to the residual stream is small beside it: kept in bfloat16, the stream
    /// would lose it, and such a student would hardly learn.
    @Test("what tells two inputs apart survives in a fresh model of twelve layers")
    func smallDifferences() throws {
        func difference(_ precision: Precision) throws -> [Double] {
            let model = try smallModel {
                $0.numHiddenLayers = 12
                $0.initializerRange = 0.02
            }
            let rows = try (5..<45).map { token in
                let ids: [Int64] = [2, Int64(token), Int64(token + 3), 3]
                let input = ModelInput(
                    inputIDs: try Tensor(ids, shape: [1, 4]),
                    attentionMask: try Tensor([1, 1, 1, 1] as [Int64], shape: [1, 4]))
                let logits: [Float] = try withNoGrad { try model(input, precision: precision).logits.array() }
                return Double(logits[0] - logits[1])
            }
            let mean = rows.reduce(0, +) / Double(rows.count)
            return rows.map { $0 - mean }
        }
        let (exact, rounded) = (try difference(.float32), try difference(.bfloat16))
        let size = exact.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let error = zip(exact, rounded).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(error < 0.1 * size, "\(error) of \(size)")
    }

    @Test("a frozen model converts its weights once, and again when they change")
    func copies() throws {
        let model = try smallModel()
        let first: [Float] = try withNoGrad { try model(input(), precision: .bfloat16).logits.array() }
        for entry in model.parameters.entries where entry.name == "bert.pooler.dense.weight" {
            try entry.tensor.fill(0)
        }
        let second: [Float] = try withNoGrad { try model(input(), precision: .bfloat16).logits.array() }
        #expect(first != second)
    }

    @Test("auto is one of the two, by what the device is good at")
    func automatic() {
        let resolved = Precision.auto.resolved(on: .cpu)
        #expect(resolved == .float32 || resolved == .bfloat16)
        #expect(
            Precision.float32.resolved(on: .cpu) == .float32
                && Precision.bfloat16.resolved(on: .cpu) == .bfloat16)
        #expect(Precision.bfloat16.dtype == .bfloat16 && Precision.auto.dtype == .float32)
    }
}
