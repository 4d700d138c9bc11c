import Distillation
import Foundation
import Torch
import Transformers

/// What a worker does with a language model.
extension BenchmarkWorker {
    func loadLanguageModel(_ request: WorkerRequest) throws -> WorkerAnswer {
        let directory = URL(filePath: try required(request.model, "model"))
        try Runtime.setThreadCount(try required(request.threads, "threads"))
        var configuration: ModelConfiguration?
        let seconds = try time {
            let (model, report) = try AutoModel.load(from: directory, isMapped: true)
            guard report.newlyInitialized.isEmpty, model.configuration.isDecoder else {
                throw DistillationError(
                    "\(directory.path): is no whole language model; give one that `distill generate` takes")
            }
            try model.parameters.freeze()
            precision =
                (request.precision.flatMap(Precision.init(rawValue:)) ?? .float32).resolved(on: model.device)
            self.model = model
            configuration = model.configuration
            _ = try next(
                PackedInput(inputIDs: [0], offsets: [0, 1]), [model.makeCache(precision: precision)])
        }
        return WorkerAnswer(
            runtime: "distill \(Version.current), libtorch \(Runtime.version)",
            parameters: model?.parameters.elementCount, loadSeconds: seconds,
            vocabulary: configuration?.vocabSize, positions: configuration?.maxLength)
    }

    /// Writes texts after prompts, some times.
    ///
    /// - Returns: The seconds of the prefill and of the decode, in turn.
    func generate(_ request: WorkerRequest) throws -> WorkerAnswer {
        let (batch, length) = (try required(request.batch, "batch"), try required(request.length, "length"))
        let newTokens = try required(request.newTokens, "new_tokens")
        guard let model, let ids = request.inputs?.first, ids.count == batch * length else {
            throw DistillationError(
                "the request has no \(batch) prompts of \(length) tokens, or there is no model")
        }
        let offsets = (0...batch).map { $0 * length }
        let prompts = PackedInput(inputIDs: ids, offsets: offsets, rows: offsets.dropFirst().map { $0 - 1 })
        var seconds: [Double] = []
        for _ in 0..<max(1, request.passes ?? 1) {
            let caches = try (0..<batch).map { _ in try model.makeCache(precision: precision) }
            var tokens: [Int32] = []
            seconds.append(try time { tokens = try next(prompts, caches) })
            seconds.append(
                try time {
                    for _ in 1..<newTokens {
                        tokens = try next(
                            PackedInput(inputIDs: tokens, offsets: Array(0...batch)), caches)
                    }
                })
        }
        return WorkerAnswer(seconds: seconds)
    }

    /// The most probable next token of each text.
    private func next(_ input: PackedInput, _ caches: [KeyValueCache]) throws -> [Int32] {
        guard let model else { throw DistillationError("no model is loaded") }
        let logits = try withNoGrad { try model(input, caches: caches).logits }
        let vocabulary = try logits.size(1)
        let values: [Float] = try logits.array()
        return (0..<caches.count).map { row in
            var best = row * vocabulary
            for index in row * vocabulary..<(row + 1) * vocabulary where values[index] > values[best] {
                best = index
            }
            return Int32(best - row * vocabulary)
        }
    }
}
