import Datasets
import Foundation
import JSON
import Safetensors
import Torch
import Transformers

@testable import Distillation

/// Small models and data of this suite's own.
enum Support {
    /// A fresh classifier small enough to train in a test.
    static func model(
        layers: Int = 2, hidden: Int = 16, heads: Int = 2, classes: Int = 3, dropout: Double = 0.1,
        seed: UInt64 = 1
    ) throws -> TransformerModel {
        try AutoModel.make(
            configuration(layers: layers, hidden: hidden, heads: heads, classes: classes, dropout: dropout),
            source: nil, seed: seed, device: .cpu)
    }

    static func configuration(
        layers: Int = 2, hidden: Int = 16, heads: Int = 2, classes: Int = 3, dropout: Double = 0.1,
        types: Int = 2
    ) throws -> ModelConfiguration {
        let text = """
            {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": 60,
             "hidden_size": \(hidden), "num_hidden_layers": \(layers), "num_attention_heads": \(heads),
             "intermediate_size": 32, "hidden_act": "gelu", "hidden_dropout_prob": \(dropout),
             "attention_probs_dropout_prob": \(dropout), "max_position_embeddings": 24,
             "type_vocab_size": \(types), "layer_norm_eps": 1e-12, "initializer_range": 0.2, "pad_token_id": 0,
             "id2label": {\((0..<classes).map { "\"\($0)\": \"c\($0)\"" }.joined(separator: ", "))},
             "label2id": {\((0..<classes).map { "\"c\($0)\": \($0)" }.joined(separator: ", "))}}
            """
        guard case .object(let object) = try JSONValue.parse(text) else { fatalError("not an object") }
        return try ModelConfiguration(json: object, source: "test")
    }

    /// Examples of several lengths whose class shows in their tokens.
    static func dataset(count: Int, classes: Int = 3, seed: UInt64 = 7) -> EncodedDataset {
        var generator = SeededGenerator(seed: seed)
        var ids: [Int32] = []
        var offsets = [0]
        var labels: [Int] = []
        for index in 0..<count {
            let label = index % classes
            let words = 2 + Int(generator.next() % 9)
            ids.append(2)
            for _ in 0..<words {
                let noisy = generator.next() % 4 == 0
                ids.append(
                    Int32(
                        noisy ? 5 + Int(generator.next() % 50) : 10 + label * 10 + Int(generator.next() % 10))
                )
            }
            ids.append(3)
            offsets.append(ids.count)
            labels.append(label)
        }
        return EncodedDataset(
            inputIDs: ids, tokenTypeIDs: [Int32](repeating: 0, count: ids.count), offsets: offsets,
            labels: labels)
    }

    static func trainer(
        _ model: TransformerModel, _ data: EncodedDataset, teacher: Logits? = nil,
        precision: Precision = .float32, _ change: (inout TrainingArguments) -> Void = { _ in }
    ) throws -> Trainer {
        var arguments = TrainingArguments()
        arguments.perDeviceTrainBatchSize = 8
        arguments.learningRate = 2e-3
        arguments.numTrainEpochs = 2
        change(&arguments)
        return try Trainer(
            model: model, objectives: try objectives(teacher == nil ? 0 : 0.7), data: data,
            teacher: teacher.map { TeacherSupervision(logits: $0) }, arguments: arguments,
            precision: precision)
    }

    /// The recipe's loss: alpha · T² · KL + (1 − alpha) · cross-entropy.
    static func objectives(_ alpha: Double, temperature: Double = 4) throws -> [WeightedObjective] {
        let registry = ObjectiveRegistry.standard
        let soft = WeightedObjective(
            try registry.make(.init("kl", options: ["temperature": String(temperature)])),
            weight: .constant(alpha))
        let hard = WeightedObjective(
            try registry.make(.init("cross_entropy")), weight: .constant(1 - alpha))
        return alpha == 0 ? [hard] : [soft, hard]
    }

    static func logits(_ model: TransformerModel, _ data: EncodedDataset) throws -> Logits {
        guard let logits = try Inference.logits(model, data, batchSize: 16) else {
            throw InterruptedError()
        }
        return logits
    }

    /// Judges a model on its data, as a run does after each epoch.
    static func validation(
        _ model: TransformerModel, _ data: EncodedDataset, teacher: Logits? = nil
    ) throws -> MetricValues {
        try Evaluator.validation(logits(model, data), targets: data.targets, teacher: teacher)
    }

    /// All weights' bytes by name.
    static func bytes(_ model: TransformerModel) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for entry in model.parameters.entries { result[entry.name] = try entry.tensor.bytes() }
        return result
    }

    /// The student's weights after a run that is stopped each so many steps and started again, or after one that is left alone.
    static func weights(of request: DistillRequest, stoppedAfter steps: Int?) throws -> [String: [UInt8]] {
        var request = request
        request.checkpoints.resume = .auto
        var isDone = false
        while !isDone {
            var seen = 0
            do {
                _ = try DistillationRun(request).run(
                    onEvent: { if case .step = $0 { seen += 1 } },
                    stopRequest: { steps.map { seen >= $0 } == true ? .checkpoint : nil })
                isDone = true
            } catch is InterruptedError {}
        }
        return try bytes(AutoModel.load(from: request.output).model)
    }

    /// A cache for runs whose cache is not what is tested.
    static let cache: CacheOptions = {
        var options = CacheOptions()
        options.directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-test-cache-\(UUID().uuidString)")
        return options
    }()

    private static let interop = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../InteropTests/Fixtures").standardizedFileURL
    /// A small teacher of two classes with weights that were trained.
    static let teacher = interop.appending(path: "tiny-teacher")
    /// The 120 texts that it was trained on.
    static let reviews = interop.appending(path: "reviews.csv")

    static var fixtures: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    }

    /// A tensor of a fixture file.
    static func tensor(_ file: SafetensorsFile, _ name: String) throws -> Tensor {
        guard let info = file.info(name) else { throw DistillationError("no \(name)") }
        let dtype: DType = info.dtype == .int64 ? .int64 : .float32
        return try Tensor(bytes: file.bytes(of: name), shape: info.shape, dtype: dtype)
    }
}

/// Counts across closures.
final class Counter {
    var value = 0
}
