import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// Steps that several processes compute together, against the same step of one.
@Suite("Processes that train together", .serialized)
struct ProcessTrainingTests {
    /// What a step gives: gradients by parameter, and the measurements.
    private struct Step: Sendable {
        var gradients: [String: [Float]] = [:]
        var sums = MetricSums()
        var gradNorm = 0.0
    }

    private static func step(
        _ make: @escaping @Sendable (Processes?) throws -> (Trainer, [Int], Int), _ processes: Processes?
    ) throws -> Step {
        let (trainer, indices, batchSize) = try make(processes)
        let result = try trainer.trainStep(
            Trainer.microBatches(
                indices, of: trainer.data, batchSize: batchSize, environment: processes?.environment))
        try trainer.exchangeSums()
        var step = Step(sums: processes == nil ? result.sums : trainer.sums, gradNorm: result.gradNorm)
        for entry in trainer.model.parameters.entries + trainer.learned.entries {
            step.gradients[entry.name] = try entry.tensor.gradient?.array()
        }
        return step
    }

    /// The step of one process, and that of several, which must be it but for rounding.
    private static func compare(
        _ count: Int, tolerance: Double = 2e-5,
        _ make: @escaping @Sendable (Processes?) throws -> (Trainer, [Int], Int)
    ) throws {
        let alone = try step(make, nil)
        #expect(alone.gradNorm > 1e-3)
        for (rank, own) in try Together.run(count, { try step(make, $0) }).enumerated() {
            #expect(Set(own.gradients.keys) == Set(alone.gradients.keys))
            let size = alone.gradients.values.flatMap { $0 }.map(abs).max() ?? 0
            for (name, gradient) in alone.gradients {
                let others = try #require(own.gradients[name])
                let error = zip(gradient, others).map { abs($0 - $1) }.max() ?? 0
                #expect(
                    Double(error) <= tolerance * Double(size), "process \(rank): \(name): \(error) of \(size)"
                )
            }
            #expect(abs(own.sums.meanLoss / alone.sums.meanLoss - 1) < 1e-5)
            #expect(own.sums.examples == alone.sums.examples)
            let (terms, values) = (own.sums.meanTerms, own.sums.statistics.values)
            for (name, value) in alone.sums.meanTerms {
                #expect(abs((terms[name] ?? .nan) - value) < 1e-5 * max(1, abs(value)), "\(name)")
            }
            for name in alone.sums.statistics.values.names {
                let value = alone.sums.statistics.values[name] ?? .nan
                #expect(abs((values[name] ?? .nan) - value) < 1e-5, "\(name)")
            }
        }
    }

    @Test("dropout, short and long examples, a last micro-batch that is smaller", arguments: [2, 3, 4])
    func classification(_ count: Int) throws {
        try Self.compare(count) { processes in
            let data = Support.dataset(count: 30)
            let model = try Support.model(dropout: 0.3)
            let teacher = try Support.logits(Support.model(layers: 3, dropout: 0, seed: 9), data)
            return (
                try Self.trainer(model, data, teacher, try Support.objectives(0.7), processes),
                Array(0..<21), 8
            )
        }
    }

    @Test("more processes than examples")
    func fewExamples() throws {
        try Self.compare(4) { processes in
            let data = Support.dataset(count: 12)
            let model = try Support.model(dropout: 0.1)
            let teacher = try Support.logits(Support.model(layers: 3, dropout: 0, seed: 9), data)
            return (
                try Self.trainer(model, data, teacher, try Support.objectives(0.5), processes), [3, 5], 8
            )
        }
    }

    /// The objectives on texts' vectors.
    private static let vectors = ObjectiveRegistry.standard.names.filter {
        $0.hasPrefix("sentence_") || ["similarity_mse", "similarity_rank"].contains($0)
    }

    @Test("every objective on vectors", arguments: vectors + ["sentence_mse(dimensions = [16, 8])"])
    func embeddings(_ text: String) throws {
        try Self.compare(2, tolerance: 1e-4) { processes in
            func model(layers: Int, dropout: Double, seed: UInt64) throws -> TransformerModel {
                var configuration = try Support.configuration(layers: layers, dropout: dropout)
                configuration.embedding = SentenceTransformer(pooling: [.mean], width: 16, normalizes: true)
                return try AutoModel.make(configuration, source: nil, seed: seed, device: .cpu)
            }
            let classes = Support.dataset(count: 30)
            let examples = try (0..<30).map { try classes.example($0) }
            let data = EncodedDataset(
                inputIDs: examples.flatMap(\.inputIDs), tokenTypeIDs: examples.flatMap(\.tokenTypeIDs),
                offsets: examples.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.inputIDs.count) },
                targets: .scores(
                    PairScores(values: [Float](repeating: .nan, count: 30), rows: (0..<30).map { UInt32($0) })
                ))
            let teacher = try model(layers: 2, dropout: 0, seed: 9)
            try teacher.parameters.freeze()
            return (
                try Self.trainer(
                    model(layers: 1, dropout: 0.1, seed: 1), data, Support.logits(teacher, data),
                    [WeightedObjective(try objective(text))], processes, teacher: teacher),
                Array(0..<13), 13
            )
        }
    }

    private static let texts =
        ObjectiveRegistry.standard.names.filter {
            !(["binary_cross_entropy", "soft_binary_cross_entropy", "mse"] + vectors).contains($0)
                && !RankingFixture.names.contains($0)
        } + ["infonce(feature = mean, dimension = 4, projection = always)", "attention_kl(heads = match)"]

    @Test("every objective for classes", arguments: texts)
    func objectives(_ text: String) throws {
        try Self.compare(2, tolerance: 1e-4) { processes in
            let data = Support.dataset(count: 30)
            let model = try Support.model(dropout: 0.1)
            let teacher = try Support.model(dropout: 0, seed: 9)
            try teacher.parameters.freeze()
            return (
                try Self.trainer(
                    model, data, Support.logits(teacher, data),
                    [
                        WeightedObjective(try objective(text)),
                        .init(try objective("cross_entropy"), weight: 0.5),
                    ],
                    processes, teacher: teacher), Array(0..<13), 13
            )
        }
    }

    @Test("families that are padded and families that are packed", arguments: FamilyModel.all)
    func families(_ family: FamilyModel) throws {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-processes-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try family.write(to: directory, layers: 2)
        try Self.compare(2, tolerance: 1e-4) { processes in
            let data = Support.dataset(count: 20, classes: 2)
            let (model, _) = try AutoModel.load(
                from: directory, labelNames: ["negative", "positive"], seed: 3)
            return (
                try Self.trainer(model, data, nil, try Support.objectives(0), processes), Array(0..<11), 6
            )
        }
    }

    private static func trainer(
        _ model: TransformerModel, _ data: EncodedDataset, _ logits: Logits?,
        _ objectives: [WeightedObjective], _ processes: Processes?, teacher: TransformerModel? = nil
    ) throws -> Trainer {
        var arguments = TrainingArguments()
        arguments.perDeviceTrainBatchSize = 8
        arguments.maxGradNorm = 1e9
        return try Trainer(
            model: model, objectives: objectives, data: data,
            teacher: logits.map { TeacherSupervision(logits: $0, model: teacher) }, arguments: arguments,
            precision: .float32, processes: processes)
    }

    @Test("a loss that is no number ends all processes at the same step, with the same error")
    func nonFinite() throws {
        let errors = try Together.results(2) { processes in
            let data = Support.dataset(count: 16)
            let model = try Support.model()
            // One example's logits, which the second process computes.
            var values = [Float](repeating: 0, count: 16 * 3)
            values[15 * 3] = .nan
            let trainer = try Self.trainer(
                model, data, Logits(values: values, classes: 3), try Support.objectives(0.5), processes)
            _ = try trainer.trainStep(
                Trainer.microBatches(
                    Array(8..<16), of: data, batchSize: 8, environment: processes.environment))
        }
        for result in errors {
            let error = #expect(throws: NonFiniteLossError.self) { try result.get() }
            #expect(error?.description.contains("step 1 of") ?? false)
        }
    }
}
