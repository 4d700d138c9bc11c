import Files
import Foundation
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// Tiny models of every family, which `scripts/fixtures/families.py` writes with what transformers computes.
@Suite("Every family agrees with transformers")
struct FamilyGoldenTests {
    static let names = [
        "distilbert", "roberta", "xlm-roberta", "camembert", "electra", "electra-wide", "albert",
        "albert-groups",
        "mpnet", "deberta-v3", "deberta-v2", "deberta-v2-plain", "modernbert", "modernbert-mean",
    ]

    static func directory(_ name: String) -> URL { fixture("families").appending(path: name) }

    @Test("a fixture for every family, and none left out")
    func fixtures() throws {
        let there = try FileManager.default.contentsOfDirectory(atPath: fixture("families").path)
        #expect(there.sorted() == Self.names.sorted())
        let families = try Self.names.map {
            try ModelConfiguration(contentsOf: Self.directory($0)).modelType
        }
        #expect(Set(families + ["bert"]) == Set(ModelFamily.all.filter { !$0.isDecoder }.map(\.modelType)))
    }

    @Test("logits, loss, hidden states and attentions", arguments: names)
    func forward(_ name: String) throws {
        let golden = try Golden("families/\(name)")
        let (model, report) = try AutoModel.load(from: Self.directory(name))
        #expect(report == LoadReport(newlyInitialized: [], unused: []))
        let output = try model(golden.input, dropout: nil, selecting: [.hiddenStates, .attentions])
        try expectClose(output.logits, golden["logits"], "logits")
        try expectClose(output.logits.crossEntropy(golden["labels"]), golden["loss"], "loss")
        let layers = model.configuration.numHiddenLayers
        #expect(output.hiddenStates.count == layers + 1)
        #expect(output.attentions.count == layers)
        // What stands at padding is nobody's business.
        let tokens = try golden.input.attentionMask.to(.float32)
        for (index, state) in output.hiddenStates.enumerated() {
            let mask = try tokens.unsqueezed(2)
            try expectClose(
                state * mask, golden["hidden_states.\(index)"] * mask, "hidden state \(index)")
        }
        for (index, attention) in output.attentions.enumerated() {
            let mask = try tokens.unsqueezed(1).unsqueezed(3)
            try expectClose(
                attention * mask, golden["attentions.\(index)"] * mask, "attention \(index)")
        }
    }

    @Test(
        "every parameter's gradient, on both paths", arguments: names,
        [[.attentions], []] as [PaddedSelection])
    func gradients(_ name: String, _ selection: PaddedSelection) throws {
        let golden = try Golden("families/\(name)")
        let model = try AutoModel.load(from: Self.directory(name)).model
        let logits = try model(golden.input, dropout: nil, selecting: selection).logits
        try expectClose(logits, golden["logits"], "logits")
        try logits.crossEntropy(golden["labels"]).backward()
        #expect(model.parameters.names.sorted() == golden.gradientNames)
        let rounding = try golden.roundingLimit()
        for entry in model.parameters.entries {
            let gradient = try #require(try entry.tensor.gradient, "\(entry.name) has no gradient")
            let expected = try golden["grad.\(entry.name)"]
            if try expected.absolute().max().item() < rounding {
                #expect(try gradient.absolute().max().item() < rounding, "\(entry.name)")
            } else {
                try expectClose(gradient, expected, entry.name)
            }
        }
    }

    @Test("examples without padding give the logits of padded ones, features included", arguments: names)
    func packed(_ name: String) throws {
        let golden = try Golden("families/\(name)")
        let model = try AutoModel.load(from: Self.directory(name)).model
        // The first two rows are padded on the right alone.
        let rows = try Tensor([0, 1])
        let input = ModelInput(
            inputIDs: try golden.input.inputIDs.indexSelect(dimension: 0, rows),
            attentionMask: try golden.input.attentionMask.indexSelect(dimension: 0, rows),
            tokenTypeIDs: try golden.input.tokenTypeIDs?.indexSelect(dimension: 0, rows))
        let packed = try #require(try input.packed())
        let expected = try golden["logits"].indexSelect(dimension: 0, rows)
        try expectClose(model(packed).logits, expected, "logits")
        let layers = model.configuration.numHiddenLayers
        let features = try model(
            packed,
            ForwardOptions(
                features: FeatureSelection(hiddenStates: Set(0...layers), projections: Set(0..<layers))))
        try expectClose(features.logits, expected, "logits with features")
        let places = try packed.places(device: .cpu)
        for index in 0...layers {
            let state = try golden["hidden_states.\(index)"].indexSelect(dimension: 0, rows)
            let own = try state.reshaped([-1, state.size(2)]).indexSelect(dimension: 0, places)
            let kept = try #require(features.hiddenStates[index])
            try expectClose(kept, own, "hidden state \(index)")
        }
        #expect(features.projections.count == layers)
    }

    @Test(
        "a position bias is computed by the kernels without gradients, and by libtorch where they are wanted")
    func positionBias() throws {
        let golden = try Golden("families/mpnet")
        let model = try AutoModel.load(from: Self.directory("mpnet")).model
        let rows = try Tensor([0, 1])
        let input = ModelInput(
            inputIDs: try golden.input.inputIDs.indexSelect(dimension: 0, rows),
            attentionMask: try golden.input.attentionMask.indexSelect(dimension: 0, rows))
        let packed = try #require(try input.packed())
        let expected = try golden["logits"].indexSelect(dimension: 0, rows)
        let encoder = try model.encoder
        #expect(!encoder.usesKernels(.float32, .firstToken))
        #expect(model.sparseTables(.float32).isEmpty)
        try expectClose(model(packed).logits, expected, "logits with gradients")
        try withNoGrad {
            #expect(
                encoder.usesKernels(.float32, .firstToken)
                    == PackedKernels.arePreferred(for: .float32, on: .cpu))
            #expect(model.sparseTables(.float32).isEmpty)
            try expectClose(model(packed).logits, expected, "logits without gradients")
            let states = try model(
                packed, ForwardOptions(features: FeatureSelection(hiddenStates: [1, 2, 3])))
            let places = try packed.places(device: .cpu)
            for index in 1...3 {
                let state = try golden["hidden_states.\(index)"].indexSelect(dimension: 0, rows)
                let own = try state.reshaped([-1, state.size(2)]).indexSelect(dimension: 0, places)
                try expectClose(#require(states.hiddenStates[index]), own, "hidden state \(index)")
            }
        }
    }

    @Test(
        "a model that is saved again has the same tensors, byte for byte, and is the same model",
        arguments: names)
    func roundTrip(_ name: String) throws {
        try expectSameWhenSaved(Self.directory(name))
    }

    @Test("a student of fewer layers starts from its teacher's", arguments: names)
    func teacherLayers(_ name: String) throws {
        let teacher = try AutoModel.load(from: Self.directory(name)).model
        var configuration = teacher.configuration
        configuration.numHiddenLayers = name == "albert-groups" ? 2 : 1
        let source = try TeacherLayerSource(
            teacher: teacher, layers: Array(0..<configuration.numHiddenLayers))
        let student = try AutoModel.make(configuration, source: source, seed: 1)
        for entry in student.parameters.entries {
            let own = try #require(teacher.parameters[entry.name])
            #expect(try entry.tensor.bytes() == own.bytes(), "\(entry.name)")
        }
        let golden = try Golden("families/\(name)")
        #expect(try student(golden.input).logits.shape == [3, 3])
    }
}
