import Distillation
import Foundation
import Torch
import Transformers

extension DeviceChecks {
    /// The loss of an objective and its gradients, on the CPU and on the device.
    func checkObjective(_ name: String) {
        do {
            let (wanted, found) = (try objective(name, on: .cpu), try objective(name, on: device))
            check("objective \(name): loss", tolerance: 1e-4) {
                abs(found.loss - wanted.loss) / max(1e-2, abs(wanted.loss))
            }
            check("objective \(name): gradients", tolerance: 1e-3) {
                Self.worst(found.gradients, wanted.gradients)
            }
        } catch {
            check("objective \(name)", tolerance: 1e-4) { throw error }
        }
    }

    private func objective(_ name: String, on device: Device) throws -> Pass {
        let teacher = try Self.bert(layers: 4, heads: 4, on: device)
        let student = try Self.bert(layers: 2, heads: 4, on: device)
        // Of the kinds of labels, the first that the objective takes.
        var refusal: (any Error)?
        for kind in [TaskIdentifier.singleLabel, .multiLabel, .regression, .embedding, .ranking] {
            let learned = ParameterStore()
            let sum: ObjectiveSum
            do {
                sum = try ObjectiveSum(
                    [WeightedObjective(ObjectiveRegistry.standard.make(.init(name)))],
                    models: ObjectiveModels(
                        student: student.configuration, teacher: teacher.configuration, problemType: kind,
                        classCounts: [2, 2, 1], batchSize: 5, exampleCount: 5,
                        learned: ParameterScope(store: learned, source: nil, seed: 3, device: device),
                        hasQueries: kind == .embedding || kind == .ranking))
            } catch {
                refusal = refusal ?? error
                continue
            }
            return try pass(sum, student, teacher, learned, kind, on: device)
        }
        throw refusal ?? RunnerError("no kind of labels suits")
    }

    private func pass(
        _ sum: ObjectiveSum, _ student: TransformerModel, _ teacher: TransformerModel,
        _ learned: ParameterStore, _ kind: TaskIdentifier, on device: Device
    ) throws -> Pass {
        let needs = sum.needs
        func outputs(_ model: TransformerModel, _ states: Set<Int>, _ layers: Set<Int>) throws
            -> ModelOutput
        {
            try model(
                Self.input,
                ForwardOptions(features: FeatureSelection(hiddenStates: states, projections: layers)))
        }
        let theirs = try withNoGrad {
            try outputs(teacher, needs.teacherHiddenStates, needs.teacherProjections)
        }
        let own = try outputs(student, needs.studentHiddenStates, needs.studentProjections)
        let labels =
            switch kind {
            case .singleLabel, .tokenClassification, .causalLanguageModel:
                try BatchLabels(classes: Self.labels, device: device)
            case .multiLabel:
                try BatchLabels(sets: [[0], [], nil, [1, 2], [2]], classes: 3, device: device)
            case .regression: try BatchLabels(values: [0, 1, 2, .nan, 3], device: device)
            case .embedding, .ranking:
                try BatchLabels(
                    groups: GroupTargets(
                        labels: kind == .embedding ? [.nan, 1, 0, .nan, 1] : [0, 1, 0.5, .nan, 1],
                        scores: [Float](repeating: .nan, count: 5), groups: [0, 0, 0, 1, 1],
                        hasQueries: kind == .embedding), device: device)
            }
        let terms = try sum(
            ObjectiveBatch(
                student: own, teacher: theirs, teacherLogits: theirs.logits, labels: labels,
                offsets: Self.input.offsets, indices: [0, 1, 2, 3, 4], progress: 0.5))
        try terms.total.backward()
        var gradients = try Self.gradients(of: student.parameters)
        for (name, values) in try Self.gradients(of: learned) { gradients["learned " + name] = values }
        return Pass(logits: [], loss: try terms.total.item(), gradients: gradients)
    }
}
