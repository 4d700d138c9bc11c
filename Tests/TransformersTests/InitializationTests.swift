import Testing
import Torch

@testable import Transformers

@Suite("Fresh models")
struct InitializationTests {
    @Test("parameters start as transformers starts them")
    func distribution() throws {
        let range = 0.05
        let model = try smallModel {
            ($0.hiddenSize, $0.vocabSize, $0.initializerRange, $0.padTokenId) = (64, 500, range, 3)
        }
        for entry in model.parameters.entries {
            let values = try entry.tensor.array(of: Double.self)
            if entry.name.hasSuffix("bias") {
                #expect(values.allSatisfy { $0 == 0 }, "\(entry.name)")
            } else if entry.name.hasSuffix("LayerNorm.weight") {
                #expect(values.allSatisfy { $0 == 1 }, "\(entry.name)")
            } else {
                let mean = values.reduce(0, +) / Double(values.count)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
                // Five standard errors.
                let error = 5 / Double(values.count).squareRoot()
                #expect(abs(mean) < range * error, "\(entry.name)")
                #expect(abs(variance.squareRoot() / range - 1) < error + 0.01, "\(entry.name)")
            }
        }
        let words = try #require(model.parameters["bert.embeddings.word_embeddings.weight"])
        #expect(try words[3].array(of: Float.self).allSatisfy { $0 == 0 })
        #expect(try words[2].array(of: Float.self).allSatisfy { $0 != 0 })
    }

    @Test("a padding row that was read is kept")
    func paddingRowFromCheckpoint() throws {
        let teacher = try smallModel()
        let words = "bert.embeddings.word_embeddings.weight"
        let row = try #require(teacher.parameters[words])[0].detached()
        try row.fill(0.5)
        let copy = try AutoModel.make(
            teacher.configuration, source: TeacherLayerSource(teacher: teacher, layers: [0, 1, 2, 3]), seed: 1
        )
        #expect(try copy.parameters[words]?[0].array(of: Float.self).allSatisfy { $0 == 0.5 } == true)
    }

    @Test("the padding token's embedding gets no gradient")
    func paddingGradient() throws {
        let model = try smallModel()
        try model(batch([[2, 9, 3], [2, 3]])).logits.sum().backward()
        let gradient = try #require(try model.parameters["bert.embeddings.word_embeddings.weight"]?.gradient)
        #expect(try gradient[0].array(of: Float.self).allSatisfy { $0 == 0 })
        #expect(try gradient[9].norm().item() > 0)
    }

    @Test("the seed decides every weight, and different parameters differ")
    func seeds() throws {
        let (a, b, c) = (
            try bytes(smallModel(seed: 1)), try bytes(smallModel(seed: 1)), try bytes(smallModel(seed: 2))
        )
        #expect(a == b)
        #expect(a["classifier.weight"] != c["classifier.weight"])
        let layer = "bert.encoder.layer.0.attention.self"
        #expect(a["\(layer).query.weight"] != a["\(layer).key.weight"])
    }

    @Test("a configuration that contradicts itself makes no model")
    func contradiction() throws {
        expectRefusal("\"hidden_size\" 16", "\"num_attention_heads\" 3") {
            _ = try smallModel { $0.numAttentionHeads = 3 }
        }
    }
}
