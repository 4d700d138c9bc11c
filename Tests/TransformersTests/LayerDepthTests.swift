import Testing

@testable import Transformers

@Suite("Depths of parameters")
struct LayerDepthTests {
    @Test("head and pooler are the top, layers count down to the embeddings")
    func names() throws {
        let model = try smallModel()
        var depths: [Int: [String]] = [:]
        for name in model.parameters.names {
            depths[layerDepth(of: name, layers: 4), default: []].append(name)
        }
        #expect(Set(depths.keys) == [0, 1, 2, 3, 4, 5])
        #expect(
            depths[0] == [
                "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
            ])
        for layer in 0..<4 {
            #expect(depths[4 - layer]?.count == 16)
            #expect(depths[4 - layer]?.allSatisfy { $0.hasPrefix("bert.encoder.layer.\(layer).") } == true)
        }
        #expect(depths[5]?.count == 5 && depths[5]?.allSatisfy { $0.hasPrefix("bert.embeddings.") } == true)
    }

    @Test("what is no part of the encoder is the top; a layer beyond the last too")
    func others() {
        for name in [
            "hidden_projection.0.weight", "embeddings", "layer.0.weight", "encoder.layer.x.weight", "",
        ] {
            #expect(layerDepth(of: name, layers: 4) == 0, "\(name)")
        }
        #expect(layerDepth(of: "bert.encoder.layer.9.output.dense.weight", layers: 4) == 0)
        #expect(layerDepth(of: "encoder.layer.0.output.dense.weight", layers: 4) == 4)
    }
}
