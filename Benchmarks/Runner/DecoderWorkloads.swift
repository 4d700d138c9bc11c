import Foundation
import Torch
import Transformers

/// Language models on texts of random tokens, as many and as long as the request says.
enum DecoderWorkloads {
    private static func input(_ request: Request, vocabulary: Int) throws -> PackedInput {
        let (batch, length) = (try request.int("batch"), try request.int("length"))
        return PackedInput(
            inputIDs: (0..<batch * length).map { Int32(($0 &* 7919 &+ 17) % vocabulary) },
            offsets: (0...batch).map { $0 * length })
    }

    /// The hidden states and the logits of each text's last token, as generation needs them of a prompt.
    static func forward(_ request: Request) throws -> Workload {
        let precision = try request.precision()
        let (model, _) = try AutoModel.load(from: request.url("model"))
        try model.parameters.freeze()
        var input = try input(request, vocabulary: model.configuration.vocabSize)
        input.rows = input.offsets.dropFirst().map { $0 - 1 }
        return { time in
            try time {
                let _: [Float] = try withNoGrad {
                    try model(input, ForwardOptions(precision: precision)).logits.array()
                }
            }
        }
    }

    /// The cross-entropy of every next token: forward pass, backward pass and AdamW update.
    static func step(_ request: Request) throws -> Workload {
        let precision = try request.precision()
        let (model, _) = try AutoModel.load(from: request.url("model"))
        var input = try input(request, vocabulary: model.configuration.vocabSize)
        let rows = (0..<input.count).flatMap { Array(input.offsets[$0]..<input.offsets[$0 + 1] - 1) }
        let targets = try Tensor(rows.map { Int64(input.inputIDs[$0 + 1]) })
        input.rows = rows
        let optimizer = try AdamW(model.parameters, weightDecay: 0.01, sparseTables: [])
        return { time in
            try time {
                try optimizer.clearGradients()
                let logits = try model(input, ForwardOptions(precision: precision)).logits
                try logits.to(.float32).crossEntropy(targets).backward()
                try optimizer.step(learningRate: 1e-5)
            }
        }
    }
}
