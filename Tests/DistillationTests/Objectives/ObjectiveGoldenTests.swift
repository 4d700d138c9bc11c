import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Objectives against PyTorch, from the papers' definitions on padded tensors")
struct ObjectiveGoldenTests {
    private let fixture = ObjectiveFixture.shared

    @Test("value and every gradient", arguments: ObjectiveFixture.shared.cases)
    func golden(_ golden: ObjectiveFixture.Case) throws {
        let outputs = try fixture.outputs(teacher: golden.teacher, golden.problemType)
        let store = ParameterStore()
        let scope = ParameterScope(
            store: store, source: GivenParameters(values: golden.parameters), seed: 1)
        let models = try ObjectiveModels.tiny(
            hidden: (8, golden.teacher == "narrow" ? 8 : 12), heads: (2, golden.teacher == "wide" ? 4 : 2),
            problemType: golden.problemType, classCounts: golden.classCounts ?? [],
            exampleCount: golden.exampleCount ?? 0, scope: scope)
        let objective = try objective(golden.objective)
        let needs = try objective.prepare(models)
        let labels = try fixture.batchLabels(golden.labels, golden.problemType)
        // Nothing but what was asked for.
        let batch = ObjectiveBatch(
            student: outputs.student.only(needs.studentHiddenStates, needs.studentProjections),
            teacher: needs.teacherFeatures
                ? outputs.teacher.only(needs.teacherHiddenStates, needs.teacherProjections) : nil,
            teacherLogits: needs.teacherLogits ? outputs.teacher.logits : nil, labels: labels,
            offsets: fixture.offsets, indices: [0, 1, 2, 3], progress: golden.progress ?? 0)

        // As a micro-batch counts for a part of its step.
        let loss = try objective.loss(batch) * (golden.scale ?? 1)
        #expect(loss.shape.isEmpty && loss.dtype == .float32)
        try loss.backward()

        let name = golden.objective
        let value = try loss.item()
        #expect(abs(value - golden.value) <= 1e-5 * max(1, abs(golden.value)), "\(name): \(value)")
        #expect(Set(store.names) == Set(golden.parameters.keys))
        for (key, expected) in golden.gradients {
            let leaf = try #require(outputs.tensors[key] ?? store[key], "\(name): \(key)")
            let gradient = try #require(try leaf.gradient, "\(name): no gradient of \(key)")
            let expected = try expected.tensor()
            let error = try (gradient - expected).absolute().max().item()
            let size = try expected.absolute().max().item()
            #expect(error <= 1e-5 * max(1e-2, size), "\(name): gradient of \(key)")
        }
        // Neither the teacher nor any tensor that is not compared has one.
        for (key, leaf) in outputs.tensors where golden.gradients[key] == nil {
            #expect(try leaf.gradient == nil, "\(name): gradient of \(key)")
        }
    }

    @Test("every objective has golden values", arguments: ObjectiveRegistry.standard.names)
    func coverage(_ name: String) throws {
        let tested = try (fixture.cases.map(\.objective) + RankingFixture.shared.losses.map(\.objective))
            .map { try ObjectiveSpecification(text: $0) }
        #expect(tested.contains { $0.name == name })
        // And so has every option.
        let options = try #require(ObjectiveRegistry.standard[name]).options.map(\.name)
        let given = Set(tested.filter { $0.name == name }.flatMap(\.options.keys))
        #expect(given == Set(options))
    }
}

extension ModelOutput {
    func only(_ states: Set<Int>, _ layers: Set<Int>) -> ModelOutput {
        ModelOutput(
            logits: logits, hiddenStates: hiddenStates.filter { states.contains($0.key) },
            projections: projections.filter { layers.contains($0.key) })
    }
}
