import Distillation
import Foundation
import RegularExpressions
import Tokenizers
import Torch
import Transformers

/// Runs a workload once; each closure that it passes on is timed.
typealias Workload = (_ time: (() throws -> Void) throws -> Void) throws -> Void

enum Workloads {
    static func make(_ request: Request) throws -> Workload {
        switch try request.string("workload") {
        case "train_step": try trainStep(request)
        case "gpu_step": try DeviceWorkloads.step(request)
        case "gpu_lm_step": try DecoderWorkloads.distillationStep(request)
        case "gpu_bulk": try DeviceWorkloads.bulk(request)
        case "decoder_forward": try DecoderWorkloads.forward(request)
        case "decoder_step": try DecoderWorkloads.step(request)
        case "latency": try latency(request)
        case "bulk": try bulk(request)
        case "tokenize": try tokenize(request)
        case "demo_step": try Ablations.demoStep(request)
        case "demo_inference": try Ablations.demoInference(request)
        case "last_layer": try Ablations.lastLayer(request)
        case "ceiling": { _ in }
        case let name: throw RunnerError("unknown workload '\(name)'")
        }
    }

    /// The recipe's step on a batch of random tokens: the teacher's forward pass, then the student's forward pass,
    /// backward pass and AdamW update.
    private static func trainStep(_ request: Request) throws -> Workload {
        let precision = try request.precision()
        let (teacher, _) = try AutoModel.load(from: request.url("teacher"), isMapped: true)
        let (student, _) = try AutoModel.load(from: request.url("student"), seed: 1)
        try teacher.parameters.freeze()
        let (batch, length) = (try request.int("batch"), try request.int("length"))
        let input = PackedInput(
            inputIDs: (0..<batch * length).map { Int32(1000 + ($0 &* 7919) % 20000) },
            offsets: (0...batch).map { $0 * length })
        let labels = try BatchLabels(classes: (0..<batch).map { $0 % 2 })
        let loss = try ObjectiveSum.recipe(student.configuration)
        let optimizer = try AdamW(
            student.parameters, weightDecay: 0.01, sparseTables: student.sparseTables(precision))
        let dropout = DropoutState(seed: 1)
        return { time in
            var target: Tensor?
            try time {
                target = try withNoGrad { try teacher(input, ForwardOptions(precision: precision)).logits }
            }
            guard let target else { return }
            try time {
                try optimizer.clearGradients()
                try optimizer.prepare(rows: input.inputIDs)
                let logits = try student(input, ForwardOptions(precision: precision, dropout: dropout)).logits
                try loss(
                    ObjectiveBatch(
                        student: ModelOutput(logits: logits), teacherLogits: target, labels: labels,
                        offsets: input.offsets)
                ).total.backward()
                try optimizer.step(learningRate: 2e-5)
            }
        }
    }

    /// One example of a given length, from token ids to logits.
    private static func latency(_ request: Request) throws -> Workload {
        let (model, _) = try AutoModel.load(from: request.url("model"), isMapped: true)
        let options = ForwardOptions(precision: try request.precision())
        try model.parameters.freeze()
        let (length, count) = (try request.int("length"), try request.int("count"))
        let ids = (0..<length).map { Int32(1000 + ($0 &* 7919) % 20000) }
        return { time in
            for _ in 0..<count {
                try time {
                    let input = PackedInput(inputIDs: ids, offsets: [0, length])
                    let _: [Float] = try withNoGrad { try model(input, options).logits.array() }
                }
            }
        }
    }

    /// Many sentences, from text to labels.
    private static func bulk(_ request: Request) throws -> Workload {
        let predictor = try Predictor(model: request.url("model"), precision: request.precision())
        let inputs = try lines(request.url("texts")).map { TextPair($0) }
        return { time in try time { _ = try predictor.predict(inputs) } }
    }

    /// Many sentences, from text to token ids and type ids. If the request names a file `ids`, the ids are written there
    /// once, as 32-bit numbers.
    private static func tokenize(_ request: Request) throws -> Workload {
        let tokenizer = try Tokenizer.load(directory: request.url("model"))
        let texts = try lines(request.url("texts"))
        let threads = try request.int("threads")
        if let file = try? request.url("ids") {
            let ids = try tokenizer.encodeFlat(batch: texts, threads: threads).ids
            try ids.withUnsafeBytes { Data($0) }.write(to: file)
        }
        return { time in try time { _ = try tokenizer.encodeFlat(batch: texts, threads: threads) } }
    }

    static func lines(_ file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }
}

extension ObjectiveSum {
    /// The recipe's loss: 0.7 · T² · KL + 0.3 · cross-entropy, T = 4.
    static func recipe(_ student: ModelConfiguration) throws -> ObjectiveSum {
        let registry = ObjectiveRegistry.standard
        return try ObjectiveSum(
            [
                WeightedObjective(
                    registry.make(.init("kl", options: ["temperature": "4"])), weight: 0.7),
                WeightedObjective(registry.make(.init("cross_entropy")), weight: 0.3),
            ],
            models: ObjectiveModels(
                student: student, teacher: student, batchSize: 32,
                learned: ParameterScope(store: ParameterStore(), source: nil, seed: 1)))
    }
}
