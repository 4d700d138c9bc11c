import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("What objectives ask of the models")
struct ObjectivePreparationTests {
    private func store(_ text: String, _ models: (ParameterScope) throws -> ObjectiveModels) throws
        -> ParameterStore
    {
        let store = ParameterStore()
        _ = try objective(text).prepare(models(ParameterScope(store: store, source: nil, seed: 3)))
        return store
    }

    @Test("a projection is learned for each pair of layers where the widths differ")
    func projections() throws {
        let wide = try store("hidden_mse") { try .tiny(scope: $0) }
        #expect(wide.names == ["hidden_mse.1_2.weight", "hidden_mse.2_4.weight"])
        for tensor in wide.tensors {
            #expect(tensor.shape == [12, 8] && tensor.requiresGrad)
            #expect(try tensor.absolute().max().item() > 0)
        }
        #expect(try store("hidden_mse") { try .tiny(hidden: (8, 8), scope: $0) }.names.isEmpty)
        let always = try store("embedding_mse(projection = always)") { try .tiny(hidden: (8, 8), scope: $0) }
        #expect(always.names == ["embedding_mse.0_0.weight"])
        let contrast = try store("infonce(dimension = 3)") { try .tiny(scope: $0) }
        #expect(contrast.names == ["infonce.student.weight", "infonce.teacher.weight"])
        #expect(contrast.tensors.map(\.shape) == [[3, 8], [3, 12]])
    }

    @Test("two objectives of one kind have projections of their own")
    func uniqueNames() throws {
        let store = ParameterStore()
        let scope = ParameterScope(store: store, source: nil, seed: 3)
        for _ in 0..<3 {
            _ = try objective("hidden_mse(layers = final)").prepare(.tiny(scope: scope))
        }
        #expect(
            store.names == [
                "hidden_mse.2_4.weight", "hidden_mse_2.2_4.weight", "hidden_mse_3.2_4.weight",
            ])
    }

    @Test("needs name what the loss reads")
    func needs() throws {
        let models = try ObjectiveModels.tiny()
        #expect(
            try objective("hidden_mse").prepare(models)
                == ObjectiveNeeds(studentHiddenStates: [1, 2], teacherHiddenStates: [2, 4]))
        #expect(
            try objective("minilm_v2(teacher_layer = -2)").prepare(models)
                == ObjectiveNeeds(studentProjections: [1], teacherProjections: [2]))
        #expect(
            try objective("attention_kl(heads = match)").prepare(models)
                == ObjectiveNeeds(studentProjections: [0, 1], teacherProjections: [1, 3]))
        #expect(try objective("dkd").prepare(models) == ObjectiveNeeds(teacherLogits: true, labels: true))
        #expect(
            try objective("rkd_angle").prepare(models)
                == ObjectiveNeeds(studentHiddenStates: [2], teacherHiddenStates: [4]))
    }

    @Test("relation heads are 12 where they divide both widths, else the largest number below that does")
    func relationHeads() throws {
        // 768 and 384 share 12; 256 and 768 share 8: seen by what the loss can and cannot split.
        for (student, teacher, heads) in [(24, 36, 12), (16, 48, 8), (8, 12, 4), (7, 12, 1)] {
            let models = try ObjectiveModels.tiny(hidden: (student, teacher), heads: (1, 1))
            let lengths = [2, 3]
            func outputs(_ width: Int, _ layers: Int, _ seed: UInt64) throws -> ModelOutput {
                let part = try AttentionProjections(
                    query: .normal([5, width], seed: seed), key: .normal([5, width], seed: seed + 1),
                    value: .normal([5, width], seed: seed + 2), heads: 1)
                return ModelOutput(logits: try .zeros([2, 5]), projections: [layers - 1: part])
            }
            let batch = ObjectiveBatch(
                student: try outputs(student, 2, 1), teacher: try outputs(teacher, 4, 9),
                labels: try BatchLabels(classes: [0, 1]), offsets: [0, 2, 5])
            func loss(_ text: String) throws -> Double {
                let objective = try objective(text)
                _ = try objective.prepare(models)
                return try objective.loss(batch).item()
            }
            #expect(lengths.count == batch.count)
            #expect(try loss("minilm_v2") == loss("minilm_v2(relation_heads = \(heads))"))
        }
    }

    @Test("layer maps")
    func layerMaps() throws {
        func pairs(
            _ text: String, _ student: Int, _ teacher: Int, _ counting: LayerMap.Counting = .hiddenStates
        )
            throws -> [[Int]]
        {
            let specification = ObjectiveSpecification("x", options: ["layers": text])
            let options = try ObjectiveOptions(
                specification, known: [LayerMap.option(default: "uniform", counting)])
            return try LayerMap(options).pairs(
                studentLayers: student, teacherLayers: teacher, counting: counting, objective: "x"
            ).map { [$0.student, $0.teacher] }
        }
        // The layers of Sun et al., section 3.2: of 12, for 6.
        #expect(try pairs("skip", 6, 12).map { $0[1] } == [2, 4, 6, 8, 10])
        #expect(try pairs("last", 6, 12).map { $0[1] } == [7, 8, 9, 10, 11])
        #expect(try pairs("skip", 6, 12).map { $0[0] } == [1, 2, 3, 4, 5])
        #expect(try pairs("uniform", 4, 12) == [[1, 3], [2, 6], [3, 9], [4, 12]])
        #expect(try pairs("uniform", 5, 12).map { $0[1] } == [2, 5, 7, 10, 12])
        #expect(try pairs("uniform", 4, 12, .layers) == [[0, 2], [1, 5], [2, 8], [3, 11]])
        #expect(try pairs("final", 4, 2) == [[4, 2]])
        #expect(try pairs("final", 4, 12, .layers) == [[3, 11]])
        #expect(try pairs("1:2, 2:-1", 4, 12) == [[1, 2], [2, 12]])
        #expect(try pairs("[0:-1 -1:0]", 4, 12, .layers) == [[0, 11], [3, 0]])
    }
}
