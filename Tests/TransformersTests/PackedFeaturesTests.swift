import Foundation
import Testing
import Torch

@testable import Transformers

@Suite("Features of packed input")
struct PackedFeaturesTests {
    private func input() -> PackedInput {
        PackedInput(
            inputIDs: [2, 7, 9, 11, 3, 2, 15, 3, 2, 3], tokenTypeIDs: [0, 0, 0, 1, 1, 0, 0, 0, 0, 1],
            offsets: [0, 5, 8, 10])
    }

    /// The rows of a padded batch (B, L, …) that are tokens.
    private func tokens(_ padded: Tensor, _ input: PackedInput) throws -> [Float] {
        let width = padded.shape[2]
        return try padded.reshaped([-1, width]).indexSelect(dimension: 0, input.places(device: .cpu)).array()
    }

    private func expectClose(_ a: [Float], _ b: [Float], _ what: String) {
        #expect(a.count == b.count && !a.isEmpty, "\(what)")
        for (x, y) in zip(a, b) { #expect(abs(x - y) < 2e-5 * Swift.max(1, abs(y)), "\(what)") }
    }

    @Test(
        "hidden states are those of the padded model, token by token", arguments: ["bert-tiny", "bert-relu"])
    func hiddenStates(variant: String) throws {
        let model = try AutoModel.load(from: fixture(variant)).model
        let layers = model.configuration.numHiddenLayers
        let padded = try model(
            ModelInput(input(), paddingID: 0, device: .cpu), dropout: nil, selecting: .hiddenStates)
        let features = try model(
            input(), ForwardOptions(features: FeatureSelection(hiddenStates: Set(0...layers))))
        #expect(features.hiddenStates.count == layers + 1 && features.projections.isEmpty)
        for (number, state) in features.hiddenStates {
            #expect(state.shape == [10, model.configuration.hiddenSize])
            expectClose(try state.array(), try tokens(padded.hiddenStates[number], input()), "\(number)")
        }
        expectClose(try features.logits.array(), try padded.logits.array(), "logits")
    }

    @Test("queries and keys give the model's attention")
    func projections() throws {
        let model = try AutoModel.load(from: fixture("bert-tiny")).model
        let padded = try model(
            ModelInput(input(), paddingID: 0, device: .cpu), dropout: nil, selecting: .attentions)
        let layers = model.configuration.numHiddenLayers
        let features = try model(
            input(), ForwardOptions(features: FeatureSelection(projections: Set(0..<layers))))
        #expect(features.projections.count == layers && features.hiddenStates.isEmpty)
        for (layer, projections) in features.projections {
            let (heads, width) = (projections.heads, model.configuration.hiddenSize)
            func firstExample(_ tensor: Tensor) throws -> Tensor {
                try tensor[0..<5].reshaped([5, heads, width / heads]).permuted([1, 0, 2])
            }
            let scores = try firstExample(projections.query).matmul(
                firstExample(projections.key).transposed())
            let own = try (scores / Double(width / heads).squareRoot()).softmax()
            expectClose(
                try own.array(), try padded.attentions[layer].selected(dimension: 0, index: 0).array(),
                "\(layer)")
            #expect(projections.value.shape == [10, width])
        }
    }

    @Test("asking for features changes no logit, and gradients flow through them")
    func gradients() throws {
        let model = try AutoModel.load(from: fixture("bert-tiny")).model
        let plain: [Float] = try model(input()).logits.array()
        let layers = model.configuration.numHiddenLayers
        let features = try model(
            input(),
            ForwardOptions(features: FeatureSelection(hiddenStates: [layers], projections: [layers - 1])))
        expectClose(try features.logits.array(), plain, "logits")
        let last = try #require(features.hiddenStates[layers])
        let projections = try #require(features.projections[layers - 1])
        try (last.square().sum() + projections.value.square().sum()).backward()
        let prefix = "bert.encoder.layer.\(layers - 1)."
        for name in ["attention.self.value.weight", "output.dense.weight"] {
            let gradient = try #require(try model.parameters[prefix + name]?.gradient)
            #expect(try gradient.absolute().max().item() > 0)
        }
        #expect(try #require(model.parameters["classifier.weight"]).gradient == nil)
    }

    @Test("layers that are not there are refused by their number")
    func refusals() throws {
        let model = try AutoModel.load(from: fixture("bert-tiny")).model
        let layers = model.configuration.numHiddenLayers
        #expect(throws: TransformersError.self) {
            try model(input(), ForwardOptions(features: FeatureSelection(hiddenStates: [layers + 1])))
        }
        #expect(throws: TransformersError.self) {
            try model(input(), ForwardOptions(features: FeatureSelection(projections: [layers])))
        }
    }
}
