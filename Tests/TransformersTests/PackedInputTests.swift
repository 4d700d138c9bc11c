import Foundation
import Testing
import Torch

@testable import Transformers

@Suite("Packed input")
struct PackedInputTests {
    private func input() -> PackedInput {
        PackedInput(
            inputIDs: [2, 7, 9, 11, 3, 2, 15, 3, 2, 3], tokenTypeIDs: [0, 0, 0, 1, 1, 0, 0, 0, 0, 1],
            offsets: [0, 5, 8, 10])
    }

    @Test(
        "gives the logits of the same examples with padding",
        arguments: ["bert-tiny", "bert-relu", "bert-gelu-new"])
    func padded(variant: String) throws {
        let model = try AutoModel.load(from: fixture(variant)).model
        let packed: [Float] = try model(input()).logits.array()
        let padded = try ModelInput(input(), paddingID: 0, device: .cpu)
        // Asking for hidden states takes the plain path.
        let plain: [Float] = try model(padded, dropout: nil, selecting: .hiddenStates).logits.array()
        for (a, b) in zip(packed, plain) { #expect(abs(a - b) < 1e-5 * Swift.max(1, abs(b))) }
        #expect(packed.count == 3 * model.configuration.labelNames.count)
    }

    @Test("padding is taken off and put on again")
    func roundTrip() throws {
        let padded = try ModelInput(input(), paddingID: 5, device: .cpu)
        #expect(try padded.inputIDs.array() == [2, 7, 9, 11, 3, 2, 15, 3, 5, 5, 2, 3, 5, 5, 5] as [Int64])
        #expect(try padded.packed() == input())
    }

    @Test("padding that is not all on the right keeps its place, on the plain path")
    func otherPadding() throws {
        let model = try AutoModel.load(from: fixture("bert-tiny")).model
        for mask in [[0, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0]] as [[Int64]] {
            let input = ModelInput(
                inputIDs: try Tensor([2, 7, 9, 3] as [Int64], shape: [1, 4]),
                attentionMask: try Tensor(mask, shape: [1, 4]))
            #expect(try input.packed() == nil)
            let logits: [Float] = try model(input, dropout: nil, selecting: []).logits.array()
            let plain: [Float] = try model(input, dropout: nil, selecting: .hiddenStates).logits.array()
            #expect(logits == plain)
        }
    }

    @Test("what is no batch is refused")
    func refusals() throws {
        let model = try AutoModel.load(from: fixture("bert-tiny")).model
        func message(_ input: PackedInput) -> String {
            do {
                _ = try model(input)
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(message(PackedInput(inputIDs: [], offsets: [0])).contains("do not divide 0 input_ids"))
        #expect(
            message(PackedInput(inputIDs: [1, 2], offsets: [0, 1])).contains("do not divide 2 input_ids"))
        #expect(
            message(PackedInput(inputIDs: [1, 2], offsets: [0, 2, 2])).contains(
                "example 1 of the batch has no token"))
        #expect(
            message(PackedInput(inputIDs: [1], tokenTypeIDs: [0, 0], offsets: [0, 1])).contains(
                "do not divide"))
        let long = PackedInput(inputIDs: [Int32](repeating: 4, count: 2000), offsets: [0, 2000])
        #expect(message(long).contains("the input has 2000 tokens"))
        #expect(message(PackedInput(inputIDs: [-1], offsets: [0, 1])).contains("index out of range"))
        let types = PackedInput(inputIDs: [1], tokenTypeIDs: [9], offsets: [0, 1])
        #expect(message(types).contains("index out of range"))
    }
}

@Suite("Models in a mapped file")
struct MappedModelTests {
    @Test("answer as copied ones do, before and after their pages are given back")
    func sameLogits() throws {
        let (mapped, _) = try AutoModel.load(from: fixture("bert-tiny"), isMapped: true)
        let copied = try AutoModel.load(from: fixture("bert-tiny")).model
        try mapped.parameters.freeze()
        let input = PackedInput(inputIDs: [2, 7, 9, 3, 2, 3], offsets: [0, 4, 6])
        let expected: [Float] = try withNoGrad { try copied(input).logits.array() }
        for precision in [Precision.float32, .bfloat16, .float32] {
            let logits: [Float] = try withNoGrad {
                try mapped(input, ForwardOptions(precision: precision)).logits.array()
            }
            if precision == .float32 { #expect(logits == expected) }
        }
        #expect(try bytes(mapped) == bytes(copied))
    }

    @Test("a change stays in memory: the file is as it was, and the change is not lost")
    func privateChanges() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.copyItem(at: fixture("bert-tiny"), to: directory)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "model.safetensors")
        let before = try Data(contentsOf: file)
        do {
            let (model, _) = try AutoModel.load(from: directory, isMapped: true)
            for entry in model.parameters.entries { try withNoGrad { try entry.tensor.fill(0.5) } }
            let input = PackedInput(inputIDs: [2, 7, 3], offsets: [0, 3])
            let first: [Float] = try withNoGrad { try model(input).logits.array() }
            let second: [Float] = try withNoGrad { try model(input).logits.array() }
            #expect(first == second)
            for entry in model.parameters.entries {
                let smallest = try entry.tensor.detached().min().item()
                #expect(smallest == 0.5, "\(entry.name)")
            }
        }
        #expect(try Data(contentsOf: file) == before)
    }
}
