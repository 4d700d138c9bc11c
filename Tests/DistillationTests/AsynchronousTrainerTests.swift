import Foundation
import JSON
import Testing
import Torch
import Transformers

@testable import Distillation

/// Steps that are read late, as on a GPU, against steps that are read at once: on the CPU, with a family whose word table has
/// a dense gradient.
@Suite("Steps that are read late")
struct AsynchronousTrainerTests {
    private func model() throws -> TransformerModel {
        let json: JSONObject = [
            "model_type": "mpnet", "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 30,
            "initializer_range": 0.2, "pad_token_id": 1, "id2label": ["0": "c0", "1": "c1", "2": "c2"],
        ]
        return try TransformerModel(
            ModelConfiguration(json: json, source: "test"), source: nil, seed: 3)
    }

    /// Cross-entropy, which is no number at one call.
    private final class Broken: Objective {
        let name = "broken"
        private let call: Int?
        private var calls = 0

        init(at call: Int?) { self.call = call }

        func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds { ObjectiveNeeds(labels: true) }

        func loss(_ batch: ObjectiveBatch) throws -> Tensor {
            calls += 1
            let loss = try batch.student.logits.crossEntropy(batch.labels.targets)
            return try calls == call ? loss * Double.nan : loss
        }
    }

    private struct Outcome {
        var logs: [StepMetrics] = []
        var progress: [Int] = []
        var history: [EpochMetrics] = []
        var weights: [String: [Float]] = [:]
        var error = ""
    }

    private func run(
        late: Bool, brokenAt: Int? = nil, stopAt: Int? = nil, maxSteps: Int = -1, accumulation: Int = 1
    ) throws -> Outcome {
        let (data, student) = (Support.dataset(count: 44), try model())
        var arguments = TrainingArguments()
        arguments.perDeviceTrainBatchSize = 8 / accumulation
        arguments.gradientAccumulationSteps = accumulation
        arguments.learningRate = 2e-3
        arguments.numTrainEpochs = 2
        arguments.maxSteps = maxSteps
        arguments.loggingSteps = 4
        let trainer = try Trainer(
            model: student, objectives: [WeightedObjective(Broken(at: brokenAt))], data: data,
            arguments: arguments)
        trainer.isAsynchronous = late
        var outcome = Outcome()
        do {
            try trainer.train(
                evaluate: { try Support.validation(student, data) },
                onStep: {
                    if let metrics = $0.metrics { outcome.logs.append(metrics) }
                    outcome.progress.append($0.progress.completed)
                }, shouldStop: { outcome.progress.last == stopAt })
        } catch let error as NonFiniteLossError {
            outcome.error = error.description
        }
        if outcome.error.isEmpty { _ = try trainer.state() }
        outcome.history = trainer.history
        for entry in student.parameters.entries {
            outcome.weights[entry.name] = try entry.tensor.detached().array()
        }
        return outcome
    }

    private func expectNear(_ own: [String: [Float]], _ other: [String: [Float]]) {
        // A key bias changes no attention: AdamW makes steps of what is rounding in its gradient.
        for (name, values) in own where !name.hasSuffix("attn.k.bias") {
            for (a, b) in zip(values, other[name] ?? []) where abs(a - b) > 2e-4 {
                Issue.record("\(name): \(a) and \(b)")
                return
            }
        }
    }

    @Test("logs, history and weights are the same", arguments: [(nil, 1), (3, 1), (nil, 2)] as [(Int?, Int)])
    func agreement(stopAt: Int?, accumulation: Int) throws {
        let late = try run(late: true, stopAt: stopAt, accumulation: accumulation)
        let once = try run(late: false, stopAt: stopAt, accumulation: accumulation)
        #expect(late.progress == once.progress && late.logs.map(\.step) == once.logs.map(\.step))
        #expect(stopAt != nil || once.logs.map(\.step) == [4, 8, 12])
        for (own, other) in zip(late.logs, once.logs) {
            #expect(abs(own.loss - other.loss) < 1e-4 && abs(own.gradNorm - other.gradNorm) < 1e-3)
            #expect(own.learningRate == other.learningRate)
            #expect(own.terms.names == other.terms.names && own.metrics.names == other.metrics.names)
        }
        // A training that is stopped between two evaluations has none of its own.
        #expect(late.history.count == once.history.count && once.history.isEmpty == (stopAt != nil))
        for (own, other) in zip(late.history, once.history) {
            #expect(own.step == other.step && abs(own.trainLoss - other.trainLoss) < 1e-4)
            #expect(own.train[.accuracy] == other.train[.accuracy])
        }
        expectNear(late.weights, once.weights)
    }

    @Test("a loss that is no number names its own step, and the weights are those before it")
    func notFinite() throws {
        let late = try run(late: true, brokenAt: 6)
        let once = try run(late: false, brokenAt: 6)
        #expect(once.error.contains("step 6 of 12 (epoch 1)") && once.error.contains("loss nan"))
        #expect(late.error == once.error)
        let before = try run(late: true, maxSteps: 5)
        // The rate of a run of five steps falls faster: what counts is that nothing came after.
        #expect(late.weights != before.weights)
        expectNear(late.weights, once.weights)
    }
}
