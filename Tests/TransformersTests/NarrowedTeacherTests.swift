import Testing
import Torch

@testable import Transformers

@Suite("Students narrowed from a teacher")
struct NarrowedTeacherTests {
    private func student(
        of teacher: TransformerModel, layers: [Int] = [0, 1, 2, 3],
        _ changes: (inout ModelConfiguration) -> Void
    ) throws -> TransformerModel {
        var configuration = teacher.configuration
        configuration.numHiddenLayers = layers.count
        changes(&configuration)
        let source = try NarrowedTeacherSource(teacher: teacher, layers: layers, student: configuration)
        return try AutoModel.make(configuration, source: source, seed: 7)
    }

    /// A frozen teacher whose parameters are all random numbers, the norms' too.
    private func teacher(seed: UInt64 = 5) throws -> TransformerModel {
        let model = try smallModel()
        try model.parameters.freeze()
        for (index, entry) in model.parameters.entries.enumerated() {
            try entry.tensor.copy(
                from: .normal(
                    entry.tensor.shape, mean: entry.name.hasSuffix("LayerNorm.weight") ? 1 : 0,
                    standardDeviation: 0.3, seed: seed &* 1000 &+ UInt64(index)))
        }
        return model
    }

    private func parameter(_ model: TransformerModel, _ name: String) throws -> Tensor {
        try #require(model.parameters[name], "\(name)")
    }

    /// Silences hidden dimensions: whatever writes them writes zeros, and no norm lets anything through.
    private func silence(_ hidden: [Int], of model: TransformerModel) throws {
        for entry in model.parameters.entries {
            let name = entry.name
            let isRow = name.contains("output.") || name.contains("LayerNorm")
            let isColumn = name.contains("embeddings.weight")
            for place in hidden where isRow { try entry.tensor[place].fill(0) }
            for place in hidden where isColumn {
                try entry.tensor.selected(dimension: 1, index: place).fill(0)
            }
        }
    }

    @Test(
        "with the teacher's sizes the student is TeacherLayerSource's, bit for bit",
        arguments: [[0, 1, 2, 3], [3, 1]])
    func sameSizes(layers: [Int]) throws {
        let teacher = try teacher()
        let narrowed = try student(of: teacher, layers: layers) { _ in }
        var configuration = teacher.configuration
        configuration.numHiddenLayers = layers.count
        let whole = try AutoModel.make(
            configuration, source: TeacherLayerSource(teacher: teacher, layers: layers), seed: 7)
        #expect(try bytes(narrowed) == bytes(whole))
        #expect(narrowed.parameters.tensors.allSatisfy { $0.requiresGrad })
        for tensor in narrowed.parameters.tensors { try tensor.fill(0.25) }
        #expect(try bytes(teacher) != bytes(narrowed))
    }

    @Test("neurons that write nothing are the first to go, and the logits stay")
    func neurons() throws {
        let teacher = try teacher()
        let silent = [0, 5, 6, 17, 31]
        for layer in 0..<4 {
            let output = try parameter(teacher, "bert.encoder.layer.\(layer).output.dense.weight")
            for place in silent { try output.selected(dimension: 1, index: place).fill(0) }
        }
        let student = try student(of: teacher) { $0.intermediateSize = 32 - silent.count }
        let input = try batch([[2, 9, 8, 3], [2, 30, 3]])
        try expectClose(student(input).logits, teacher(input).logits, within: 1e-5, "logits")
        let kept = (0..<32).filter { !silent.contains($0) }
        let name = "bert.encoder.layer.2.intermediate.dense.weight"
        let expected = try parameter(teacher, name).indexSelect(dimension: 0, Tensor(kept))
        #expect(try parameter(student, name).bytes() == expected.bytes())
    }

    @Test("a head that moves nothing is the first to go", arguments: [0, 1, 3])
    func heads(silent: Int) throws {
        let wide = try smallModel { $0.numAttentionHeads = 4 }
        try wide.parameters.freeze()
        for layer in 0..<4 {
            let value = try parameter(wide, "bert.encoder.layer.\(layer).attention.self.value.weight")
            try value[silent * 4..<silent * 4 + 4].fill(0)
        }
        // A quarter of the width too, dimensions that carry nothing: three heads of 4 are 12.
        try silence([1, 4, 9, 15], of: wide)
        let student = try student(of: wide) {
            $0.numAttentionHeads = 3
            $0.hiddenSize = 12
        }
        let kept = (0..<16).filter { $0 / 4 != silent }
        let hidden = (0..<16).filter { ![1, 4, 9, 15].contains($0) }
        for (name, rows, columns) in [
            ("attention.self.query.bias", kept, nil), ("attention.output.dense.weight", hidden, kept),
        ] as [(String, [Int], [Int]?)] {
            let full = "bert.encoder.layer.1.\(name)"
            var expected = try parameter(wide, full).indexSelect(dimension: 0, Tensor(rows))
            if let columns { expected = try expected.indexSelect(dimension: 1, Tensor(columns)) }
            #expect(try parameter(student, full).bytes() == expected.bytes(), "\(name)")
        }
    }

    @Test("dimensions without gain are the first to go; rows that read the others keep their norms")
    func hidden() throws {
        let teacher = try teacher()
        let silent = [2, 3, 11, 14]
        try silence(silent, of: teacher)
        let student = try student(of: teacher, layers: [3, 0]) { $0.hiddenSize = 12 }
        let hidden = try Tensor((0..<16).filter { !silent.contains($0) })
        let table = "bert.embeddings.word_embeddings.weight"
        #expect(
            try parameter(student, table).bytes()
                == parameter(teacher, table).indexSelect(dimension: 1, hidden).bytes())
        for (own, other) in [(0, 3), (1, 0)] {
            let (prefix, from) = ("bert.encoder.layer.\(own).", "bert.encoder.layer.\(other).")
            for name in ["attention.output.LayerNorm.weight", "output.LayerNorm.bias", "output.dense.bias"] {
                #expect(
                    try parameter(student, prefix + name).bytes()
                        == parameter(teacher, from + name).indexSelect(dimension: 0, hidden).bytes(),
                    "\(name)")
            }
            // All 32 neurons are kept, so rows are comparable one by one.
            let weight = "intermediate.dense.weight"
            let whole = try parameter(teacher, from + weight)
            let narrow = try parameter(student, prefix + weight)
            try expectClose(narrow.norm(1), whole.norm(1), within: 1e-6, "norms")
            let columns = try whole.indexSelect(dimension: 1, hidden)
            let factor = try whole.norm(1, keepDimensions: true) / columns.norm(1, keepDimensions: true)
            try expectClose(narrow, columns * factor, within: 1e-6, "rows")
            #expect(
                try parameter(student, prefix + "intermediate.dense.bias").bytes()
                    == parameter(teacher, from + "intermediate.dense.bias").bytes())
        }
    }

    @Test("the pooler keeps the outputs that the head reads most")
    func pooler() throws {
        let teacher = try teacher()
        let unread = [0, 7, 8, 13]
        let head = try parameter(teacher, "classifier.weight")
        for place in unread { try head.selected(dimension: 1, index: place).fill(0) }
        let student = try student(of: teacher) { $0.hiddenSize = 12 }
        let kept = try Tensor((0..<16).filter { !unread.contains($0) })
        let name = "bert.pooler.dense.bias"
        #expect(
            try parameter(student, name).bytes()
                == parameter(teacher, name).indexSelect(dimension: 0, kept).bytes())
        // Nothing was lost, so the norms' ratio is 1 but for rounding.
        try expectClose(
            parameter(student, "classifier.weight"), head.indexSelect(dimension: 1, kept), within: 1e-6,
            "head")
    }

    @Test("smaller heads keep their largest dimensions, in scores and values apart")
    func headSize() throws {
        let teacher = try teacher()
        for (name, places) in [("query", [0, 3, 9, 15]), ("value", [1, 2, 8, 10])] {
            let weight = try parameter(teacher, "bert.encoder.layer.0.attention.self.\(name).weight")
            for place in places { try weight[place].fill(0) }
        }
        let student = try student(of: teacher, layers: [0]) { $0.hiddenSize = 12 }
        for (name, dropped) in [
            ("query", [0, 3, 9, 15]), ("key", [0, 3, 9, 15]), ("value", [1, 2, 8, 10]),
        ] {
            let full = "bert.encoder.layer.0.attention.self.\(name).bias"
            let kept = try Tensor((0..<16).filter { !dropped.contains($0) })
            #expect(
                try parameter(student, full).bytes()
                    == parameter(teacher, full).indexSelect(dimension: 0, kept).bytes(), "\(name)")
        }
    }

    @Test("a student of every smaller size computes finite logits, and a row of zeros stays one")
    func shapes() throws {
        let teacher = try teacher()
        try parameter(teacher, "bert.encoder.layer.1.attention.self.query.weight")[0..<16].fill(0)
        let input = try batch([[2, 9, 8, 3], [2, 30, 3]])
        for (hidden, heads, intermediate) in [(2, 1, 1), (8, 1, 32), (8, 2, 5), (16, 2, 4), (6, 2, 32)] {
            let student = try student(of: teacher, layers: [1, 1]) {
                ($0.hiddenSize, $0.numAttentionHeads, $0.intermediateSize) = (hidden, heads, intermediate)
            }
            #expect(try student(input).logits.array(of: Float.self).allSatisfy { $0.isFinite })
        }
    }

    @Test("a student that is wider, or differs otherwise, is refused with both sizes")
    func refusals() throws {
        let teacher = try teacher()
        expectRefusal("hidden size is 32", "teacher's 16", "--init random") {
            _ = try student(of: teacher) { $0.hiddenSize = 32 }
        }
        expectRefusal("intermediate size is 33", "teacher's 32") {
            _ = try student(of: teacher) { $0.intermediateSize = 33 }
        }
        expectRefusal("attention heads is 4", "teacher's 2") {
            _ = try student(of: teacher) { $0.numAttentionHeads = 4 }
        }
        expectRefusal("head size", "is 12", "teacher's 8") {
            _ = try student(of: teacher) { ($0.hiddenSize, $0.numAttentionHeads) = (12, 1) }
        }
        expectRefusal("no layer 4", "0 to 3") {
            _ = try student(of: teacher, layers: [4]) { $0.hiddenSize = 8 }
        }
        expectRefusal("bert.encoder.layer.1", "choose one for each") {
            _ = try student(of: teacher, layers: [0]) { $0.numHiddenLayers = 2 }
        }
        expectRefusal("classifier.weight", "[3, 8]", "[2, 16]", "[2, 8]") {
            _ = try student(of: teacher) { ($0.hiddenSize, $0.labelNames) = (8, ["a", "b", "c"]) }
        }
        expectRefusal("word_embeddings", "[50, 8]", "[60, 16]") {
            _ = try student(of: teacher) { ($0.hiddenSize, $0.vocabSize) = (8, 50) }
        }
        try parameter(teacher, "bert.encoder.layer.0.output.LayerNorm.weight")[0].fill(.nan)
        expectRefusal("not finite") { _ = try student(of: teacher) { $0.hiddenSize = 8 } }
    }
}
