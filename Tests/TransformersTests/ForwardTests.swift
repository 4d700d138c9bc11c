import TestSupport
import Testing
import Torch

@testable import Transformers

@Suite("Forward pass")
struct ForwardTests {
    /// Twelve rows of 1 to 20 tokens.
    private static func rows() -> [[Int]] {
        var generator = SeededGenerator(seed: 5)
        return (0..<12).map { _ in
            (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                Int.random(in: 1..<60, using: &generator)
            }
        }
    }

    @Test("a row's logits do not depend on padding or on the batch around it")
    func paddingInvariance() throws {
        let model = try smallModel()
        let rows = Self.rows()
        let together = try model(batch(rows, paddedTo: 24)).logits
        for (index, row) in rows.enumerated() {
            try expectClose(
                model(batch([row])).logits, together[index..<index + 1], within: 1e-5, "row \(index)")
        }
    }

    @Test("what stands under the mask does not matter, what stands beside it does")
    func maskedTokens() throws {
        let model = try smallModel()
        let mask = try Tensor([1, 1, 1, 0, 0], shape: [1, 5])
        func logits(_ ids: [Int]) throws -> Tensor {
            try model(ModelInput(inputIDs: Tensor(ids, shape: [1, 5]), attentionMask: mask)).logits
        }
        let reference = try logits([2, 9, 3, 0, 0])
        try expectClose(logits([2, 9, 3, 41, 7]), reference, within: 1e-6, "masked")
        #expect(try relativeError(logits([2, 10, 3, 0, 0]), reference) > 1e-3)
    }

    @Test("no token type ids mean segment 0")
    func tokenTypes() throws {
        let model = try smallModel()
        let input = try batch([[2, 9, 3, 8, 3]])
        func logits(_ types: [Int]) throws -> Tensor {
            try model(
                ModelInput(
                    inputIDs: input.inputIDs, attentionMask: input.attentionMask,
                    tokenTypeIDs: Tensor(types, shape: [1, 5]))
            ).logits
        }
        #expect(try logits([0, 0, 0, 0, 0]).bytes() == model(input).logits.bytes())
        #expect(try relativeError(logits([0, 0, 0, 1, 1]), model(input).logits) > 1e-3)
    }

    @Test("a row without any token gives finite logits, on both paths")
    func emptyRow() throws {
        let model = try smallModel()
        let input = ModelInput(
            inputIDs: try Tensor([2, 3, 0, 0], shape: [2, 2]),
            attentionMask: try Tensor([1, 1, 0, 0], shape: [2, 2]))
        for selection in [[], .attentions] as [PaddedSelection] {
            let logits = try model(input, dropout: nil, selecting: selection).logits.array(of: Float.self)
            #expect(logits.allSatisfy { $0.isFinite })
        }
    }

    @Test("evaluation repeats itself; training follows its seed and state")
    func determinism() throws {
        let model = try smallModel()
        let input = try batch([[2, 9, 8, 7, 3], [2, 30, 3]])
        func training(_ state: DropoutState) throws -> [UInt8] {
            try model(input, dropout: state, selecting: []).logits.bytes()
        }
        #expect(try model(input).logits.bytes() == model(input).logits.bytes())
        let state = DropoutState(seed: 1)
        let (first, second) = (try training(state), try training(state))
        #expect(first != second)
        let again = DropoutState(seed: 1)
        #expect(try training(again) == first)
        #expect(try training(DropoutState(position: again.position)) == second)
        #expect(try training(DropoutState(seed: 2)) != first)
    }

    @Test("inputs that do not fit are refused")
    func badInput() throws {
        let model = try smallModel()
        expectRefusal("25 tokens", "24 positions", "--max-length") {
            _ = try model(batch([[Int](repeating: 5, count: 25)]))
        }
        let ids = try Tensor([2, 3], shape: [1, 2])
        expectRefusal("attention_mask", "[1, 1]", "[1, 2]") {
            _ = try model(ModelInput(inputIDs: ids, attentionMask: Tensor([1], shape: [1, 1])))
        }
        expectRefusal("token_type_ids", "[2]", "[1, 2]") {
            _ = try model(ModelInput(inputIDs: ids, attentionMask: ids, tokenTypeIDs: Tensor([0, 0])))
        }
        for shape in [[2], [0, 2], [1, 0], [1, 1, 2]] {
            expectRefusal("input_ids", "\(shape)") {
                let ids = try Tensor([Int](repeating: 2, count: shape.reduce(1, *)), shape: shape)
                _ = try model(ModelInput(inputIDs: ids, attentionMask: ids))
            }
        }
        // The engine's own check.
        #expect(throws: TorchError.self) { try model(batch([[2, 60, 3]])) }
        #expect(throws: TorchError.self) { try model(batch([[2, -1, 3]])) }
        #expect(throws: TorchError.self) {
            try model(
                ModelInput(inputIDs: ids, attentionMask: ids, tokenTypeIDs: Tensor([0, 2], shape: [1, 2])))
        }
    }
}
