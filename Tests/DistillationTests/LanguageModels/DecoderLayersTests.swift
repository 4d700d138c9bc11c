import Foundation
import JSON
import TestSupport
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("A decoder's layers in a smaller one")
struct DecoderLayersTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "TransformersTests/Fixtures/decoders")
    private static let input = PackedInput(
        inputIDs: (0..<12).map { Int32($0 % 11 + 3) }, offsets: [0, 7, 12])

    @Test(
        "each layer computes at its new place what it did, windows and scales included",
        arguments: try FileManager.default.contentsOfDirectory(atPath: fixtures.path).sorted())
    func layers(_ name: String) throws {
        let teacher = try AutoModel.load(from: Self.fixtures.appending(path: name)).model
        let count = teacher.configuration.numHiddenLayers
        // The last layers are at other places in the smaller model.
        let chosen = Array(1..<count)
        let configuration: ModelConfiguration
        do {
            configuration = try teacher.configuration.decoder(withLayers: chosen)
        } catch {
            // What depends on the place itself is refused.
            #expect("\(error)".contains("would compute something else"), "\(error)")
            return
        }
        let student = try AutoModel.make(
            configuration, source: TeacherLayerSource(teacher: teacher, layers: chosen), seed: 1)
        #expect(student.configuration.numHiddenLayers == count - 1)
        // Saved and read again, it is the same model.
        try withTemporaryDirectory { directory in
            try ModelWriter.save(student, to: directory)
            let again = try AutoModel.load(from: directory).model
            let (own, theirs) = (try student(Self.input).logits, try again(Self.input).logits)
            #expect(try own.bytes() == theirs.bytes())
        }
        #expect(
            try configuration.decoderSettings().windows
                == chosen.map { try teacher.configuration.decoderSettings().windows[$0] })
    }

    @Test("block influence is 1 − the mean cosine of what a layer reads and writes; the last layer stays")
    func influence() throws {
        let model = try AutoModel.load(from: Self.fixtures.appending(path: "llama")).model
        var influence = BlockInfluence(model)
        try influence.add(Self.input)
        let layers = model.configuration.numHiddenLayers
        let output = try withNoGrad {
            try model(
                Self.input, ForwardOptions(features: FeatureSelection(hiddenStates: Set(0...layers))))
        }
        for layer in 0..<layers - 1 {
            let before: [Float] = try output.hiddenState(layer).array()
            let after: [Float] = try output.hiddenState(layer + 1).array()
            let width = model.configuration.hiddenSize
            let cosines = (0..<12).map { token in
                let (a, b) = (
                    before[token * width..<(token + 1) * width], after[token * width..<(token + 1) * width]
                )
                let product = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                func length(_ v: ArraySlice<Float>) -> Double {
                    v.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                }
                return product / length(a) / length(b)
            }
            #expect(abs(influence.values[layer] - (1 - cosines.reduce(0, +) / 12)) < 1e-5)
        }
        #expect(influence.values[layers - 1] == .infinity)
        #expect(
            try LayerChoice.influence.layers(teacher: 4, student: 2, influence: [0.3, 0.1, 0.2, .infinity])
                == [0, 3])
    }
}
