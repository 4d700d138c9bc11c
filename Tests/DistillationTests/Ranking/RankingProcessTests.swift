import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// Steps on queries with documents that two processes compute together, against the same step of one.
@Suite("Processes that train on queries with documents", .serialized)
struct RankingProcessTests {
    /// Queries with 1 to 4 documents, of the classes' examples.
    private static func data(hasQueries: Bool) throws -> EncodedDataset {
        let base = Support.dataset(count: 40)
        let counts = [3, 2, 4, 1, 3, 2, 4, 3, 2, 1]
        let rows = counts.reduce(0) { $0 + $1 + (hasQueries ? 1 : 0) }
        let examples = try (0..<rows).map { try base.example($0) }
        let labels = (0..<rows).map { Float($0 * 7 % 3) / 2 }
        let scores = (0..<rows).map { Float($0 * 5 % 11) / 3 - 1 }
        return EncodedDataset(
            inputIDs: examples.flatMap(\.inputIDs), tokenTypeIDs: examples.flatMap(\.tokenTypeIDs),
            offsets: examples.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.inputIDs.count) },
            targets: .groups(
                RankingFixture.targets(counts, hasQueries: hasQueries, labels: labels, scores: scores)))
    }

    private static func model(hasQueries: Bool) throws -> TransformerModel {
        guard hasQueries else {
            var configuration = try Support.configuration(layers: 1, dropout: 0.1)
            configuration.labelNames = ["LABEL_0"]
            configuration.task = .ranking
            return try AutoModel.make(configuration, source: nil, seed: 1, device: .cpu)
        }
        var configuration = try Support.configuration(layers: 1, dropout: 0.1)
        configuration.embedding = SentenceTransformer(pooling: [.mean], width: 16, normalizes: true)
        return try AutoModel.make(configuration, source: nil, seed: 1, device: .cpu)
    }

    private struct Step: Sendable {
        var gradients: [String: [Float]] = [:]
        var loss = 0.0
    }

    private static func step(_ text: String, hasQueries: Bool, batch: Int, _ processes: Processes?) throws
        -> Step
    {
        let data = try data(hasQueries: hasQueries)
        var arguments = TrainingArguments()
        arguments.perDeviceTrainBatchSize = batch
        arguments.maxGradNorm = 1e9
        let teacher = try #require(data.givenScores)
        let trainer = try Trainer(
            model: model(hasQueries: hasQueries), objectives: [WeightedObjective(try objective(text))],
            data: data,
            teacher: TeacherSupervision(
                logits: teacher, model: nil, tokensDiffer: nil, outputWeight: nil, scoresPairs: hasQueries),
            arguments: arguments, precision: .float32, processes: processes)
        #expect(trainer.stepsPerEpoch == (10 + batch - 1) / batch)
        let result = try trainer.trainStep(
            Trainer.microBatches(
                Array(0..<10), of: data, batchSize: batch, environment: processes?.environment))
        try trainer.exchangeSums()
        var step = Step(loss: (processes == nil ? result.sums : trainer.sums).meanLoss)
        for entry in trainer.model.parameters.entries {
            step.gradients[entry.name] = try entry.tensor.gradient?.array()
        }
        return step
    }

    private static let texts: [(String, Bool)] = [
        ("margin_mse", false), ("margin_mse(pairs = all)", true), ("list_kl(temperature = 2)", true),
        ("list_net", false),
        ("rank_net", false), ("adr_mse", true), ("lambda_loss", false), ("score_mse", true),
        ("score_bce", false),
        ("multiple_negatives_ranking", true), ("list_infonce", true),
    ]

    private static func compare(_ one: Step, _ other: Step, _ text: String) throws {
        #expect(Set(one.gradients.keys) == Set(other.gradients.keys))
        let size = one.gradients.values.flatMap { $0 }.map(abs).max() ?? 0
        #expect(size > 0)
        for (name, gradient) in one.gradients {
            let theirs = try #require(other.gradients[name])
            let error = zip(gradient, theirs).map { abs($0 - $1) }.max() ?? 0
            #expect(Double(error) <= 1e-4 * Double(size), "\(text): \(name): \(error) of \(size)")
        }
        #expect(abs(one.loss / other.loss - 1) < 1e-5, "\(text): \(one.loss) and \(other.loss)")
    }

    @Test("a step of two processes is that of one", arguments: texts)
    func processes(_ text: String, _ hasQueries: Bool) throws {
        let alone = try Self.step(text, hasQueries: hasQueries, batch: 10, nil)
        for own in try Together.run(2, { try Self.step(text, hasQueries: hasQueries, batch: 10, $0) }) {
            try Self.compare(alone, own, text)
        }
    }

    @Test("a process without a query computes another's for nothing")
    func fewQueries() throws {
        let alone = try Self.step("margin_mse", hasQueries: false, batch: 1, nil)
        for own in try Together.run(3, { try Self.step("margin_mse", hasQueries: false, batch: 1, $0) }) {
            try Self.compare(alone, own, "margin_mse")
        }
    }
}
