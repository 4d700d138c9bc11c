import Foundation
import Testing
import Torch

@testable import Transformers

@Suite("Agreement with transformers")
struct GoldenTests {
    static let variants = ["bert-tiny", "bert-gelu-new", "bert-relu"]

    @Test("logits, loss, hidden states and attentions", arguments: variants)
    func forward(_ variant: String) throws {
        let golden = try Golden(variant)
        let (model, report) = try AutoModel.load(from: fixture(variant))
        #expect(report == LoadReport(newlyInitialized: [], unused: []))
        let output = try model(golden.input, dropout: nil, selecting: [.hiddenStates, .attentions])
        try expectClose(output.logits, golden["logits"], "logits")
        try expectClose(output.logits.crossEntropy(golden["labels"]), golden["loss"], "loss")
        #expect(output.hiddenStates.count == 4)
        for (index, state) in output.hiddenStates.enumerated() {
            try expectClose(state, golden["hidden_states.\(index)"], "hidden state \(index)")
        }
        #expect(output.attentions.count == 3)
        for (index, attention) in output.attentions.enumerated() {
            try expectClose(attention, golden["attentions.\(index)"], "attention \(index)")
        }
    }

    @Test("logits by the fused attention; nothing is returned that was not selected", arguments: variants)
    func fusedForward(_ variant: String) throws {
        let golden = try Golden(variant)
        let model = try AutoModel.load(from: fixture(variant)).model
        let output = try model(golden.input)
        try expectClose(output.logits, golden["logits"], "logits")
        #expect(output.hiddenStates.isEmpty && output.attentions.isEmpty)
    }

    /// Selecting attentions chooses the path of training, selecting nothing the fused one.
    @Test(
        "every parameter's gradient, on both paths", arguments: variants,
        [[.attentions], []] as [PaddedSelection])
    func gradients(_ variant: String, _ selection: PaddedSelection) throws {
        let golden = try Golden(variant)
        let model = try AutoModel.load(from: fixture(variant)).model
        let logits = try model(golden.input, dropout: nil, selecting: selection).logits
        try logits.crossEntropy(golden["labels"]).backward()
        #expect(model.parameters.names.sorted() == golden.gradientNames)
        for (name, tensor) in model.parameters.entries.map({ ($0.name, $0.tensor) }) {
            let gradient = try #require(try tensor.gradient, "\(name) has no gradient")
            guard name.hasSuffix("self.key.bias") else {
                try expectClose(gradient, golden["grad.\(name)"], name)
                continue
            }
            // A key's bias adds the same to all scores of a row, which softmax takes away: the true gradient is
            // zero, and what is there is rounding.
            let query = try golden["grad.\(name.replacing(".key.", with: ".query."))"]
            let largest = try gradient.absolute().max().item()
            #expect(try largest <= 1e-4 * query.absolute().max().item(), "\(name)")
        }
    }

    @Test("dropout in training comes from each probability, and none is none")
    func dropoutReaches() throws {
        // Each of the four probabilities alone must change the logits.
        let settings: [(String, (inout ModelConfiguration) -> Void)] = [
            (
                "hidden",
                {
                    $0.hiddenDropoutProb = 0.3
                    $0.classifierDropout = 0
                }
            ),
            ("attention", { $0.attentionProbsDropoutProb = 0.3 }),
            ("classifier", { $0.classifierDropout = 0.3 }),
            ("classifier by default", { $0.hiddenDropoutProb = 0.3 }),
        ]
        let input = try batch([[2, 9, 8, 7, 3], [2, 30, 3]])
        for (name, set) in settings {
            let model = try smallModel {
                ($0.hiddenDropoutProb, $0.attentionProbsDropoutProb, $0.classifierDropout) = (0, 0, nil)
                set(&$0)
            }
            let quiet = try model(input).logits.array(of: Float.self)
            let noisy = try model(input, dropout: DropoutState(seed: 1), selecting: []).logits.array(
                of: Float.self)
            #expect(quiet != noisy, "\(name)")
        }
        let still = try smallModel { ($0.hiddenDropoutProb, $0.attentionProbsDropoutProb) = (0, 0) }
        #expect(
            try still(input).logits.bytes()
                == still(input, dropout: DropoutState(seed: 1), selecting: []).logits.bytes())
    }
}
