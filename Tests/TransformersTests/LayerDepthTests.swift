import Testing
import Transformers

@Suite("Layer depth")
struct LayerDepthTests {
    @Test(
        "counts from the head down to the embeddings",
        arguments: [
            ("classifier.weight", 0), ("bert.pooler.dense.bias", 0),
            ("bert.encoder.layer.5.output.dense.weight", 1),
            ("bert.encoder.layer.0.attention.self.query.bias", 6),
            ("bert.embeddings.word_embeddings.weight", 7), ("bert.embeddings.LayerNorm.bias", 7),
            ("hidden_mse.1_2.weight", 0),
        ])
    func depth(name: String, expected: Int) {
        #expect(layerDepth(of: name, layers: 6) == expected)
    }
}
