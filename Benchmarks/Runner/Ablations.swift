import Datasets
import Distillation
import Foundation
import JSON
import RegularExpressions
import Tokenizers
import Torch
import Transformers

/// Workloads that leave one technique out, to see what it buys.
enum Ablations {
    /// Training steps on real sentences, the model's own labels aside: forward, backward, clipping and AdamW.
    ///
    /// The request's switches: `padded` fills each sentence up to the longest of its batch, `random_order` does not
    /// group sentences by length, `dense_update` has AdamW go over all token embeddings.
    static func demoStep(_ request: Request) throws -> Workload {
        let (model, _) = try AutoModel.load(from: request.url("model"), seed: 1)
        let precision = try request.precision()
        let batches = try self.batches(request)
        let tables = request.flag("dense_update") ? [] : model.sparseTables(precision)
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: tables)
        let dropout = DropoutState(seed: 1)
        return { time in
            try time {
                for batch in batches {
                    try optimizer.clearGradients()
                    try optimizer.prepare(rows: batch.inputIDs)
                    let logits = try model(batch, ForwardOptions(precision: precision, dropout: dropout))
                        .logits
                    try logits.crossEntropy(Tensor((0..<batch.count).map { Int64($0 % 2) })).backward()
                    try optimizer.clipGradients(maxNorm: 1)
                    try optimizer.step(learningRate: 2e-5)
                }
            }
        }
    }

    /// Inference over the same batches; `repacked` lays the weights out for every batch anew.
    static func demoInference(_ request: Request) throws -> Workload {
        let (model, _) = try AutoModel.load(from: request.url("model"), isMapped: !request.flag("repacked"))
        let precision = try request.precision()
        try model.parameters.freeze()
        let batches = try self.batches(request)
        let repacked = request.flag("repacked")
        return { time in
            try time {
                for batch in batches {
                    if repacked {
                        // An in-place change by 0 makes each layer pack its weights again.
                        for entry in model.parameters.entries where entry.name.hasSuffix("key.bias") {
                            try entry.tensor.copy(from: entry.tensor.clone())
                        }
                    }
                    let _: [Float] = try withNoGrad {
                        try model(batch, ForwardOptions(precision: precision)).logits.array()
                    }
                }
            }
        }
    }

    /// One layer forward and backward, on all rows or on each sentence's first alone (`first_only`).
    static func lastLayer(_ request: Request) throws -> Workload {
        let (width, inner) = (try request.int("hidden"), try request.int("intermediate"))
        let scope = ParameterScope(store: ParameterStore(), source: nil, seed: 1)
        let initializer = ParameterInitializer.normal(standardDeviation: 0.02)
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear {
            try Linear(scope[name], inputs: inputs, outputs: outputs, initializer: initializer)
        }
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(scope[name], width: width, epsilon: 1e-12)
        }
        let layer = PackedEncoderLayer(
            query: try linear("q", width, width), key: try linear("k", width, width),
            value: try linear("v", width, width), attentionOutput: try linear("o", width, width),
            attentionNorm: try norm("n1"), intermediate: try linear("i", width, inner),
            output: try linear("u", inner, width), outputNorm: try norm("n2"),
            heads: try request.int("heads"),
            activation: .gelu, hiddenDropout: 0.1, outputDropout: 0.1, attentionDropout: 0.1)
        guard let layer else { throw RunnerError("the kernels refuse the layer") }
        let (batch, length) = (try request.int("batch"), try request.int("length"))
        let sequences = try PackedSequences(offsets: (0...batch).map { $0 * length })
        let input = try Tensor.normal([batch * length, width], standardDeviation: 1, seed: 3)
        try input.setRequiresGrad(true)
        let (firstOnly, dtype) = (request.flag("first_only"), try request.precision().dtype)
        let state = DropoutState(seed: 1)
        return { time in
            try time {
                try layer(input, sequences, dtype: dtype, firstOnly: firstOnly, state).sum().backward()
            }
        }
    }

    /// Batches of 32 of the request's sentences.
    private static func batches(_ request: Request) throws -> [PackedInput] {
        let tokenizer = try Tokenizer.load(directory: request.url("model"))
        let texts = try Workloads.lines(request.url("texts"))
        let encoding = try tokenizer.encodeFlat(batch: texts, maxLength: 128)
        let lengths = (0..<encoding.count).map { encoding[$0].count }
        let grouped = !request.flag("random_order")
        let order = LengthGroupedSampler.batches(
            lengths: lengths.map(Int32.init), batchSize: 32, seed: 1, epoch: 0, grouped: grouped)
        return try (0..<min(order.count, request.int("batches"))).map { index in
            let rows = order[index]
            let longest = rows.map { lengths[$0] }.max() ?? 0
            var input = PackedInput(inputIDs: [], offsets: [0])
            for row in rows {
                input.inputIDs += encoding[row]
                if request.flag("padded") {
                    input.inputIDs += [Int32](repeating: 0, count: longest - lengths[row])
                }
                input.offsets.append(input.inputIDs.count)
            }
            return input
        }
    }
}
