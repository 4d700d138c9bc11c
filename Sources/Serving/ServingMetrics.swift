import Synchronization

/// What a server has done, by the names of text-embeddings-inference.
public final class ServingMetrics: Sendable {
    /// The reason in `te_request_failure`.
    public enum Failure: String, CaseIterable, Sendable {
        case validation, overloaded, tokenization, inference
        case batchSize = "batch_size"
        case modelType = "model_type"
        case unhealthy

        init(_ error: ServingError) {
            self =
                switch error.kind {
                case .overloaded: .overloaded
                case .backend: error.isUnfit ? .modelType : .inference
                case .tokenizer: .tokenization
                case .unhealthy: .unhealthy
                case .validation, .empty: error.detail == .batchSize ? .batchSize : .validation
                }
        }
    }

    private struct State {
        var requests = ["single": 0, "batch": 0]
        var successes = ["single": 0, "batch": 0]
        var failures: [Failure: Int] = [:]
        var (predictCount, predictSuccess) = (0, 0)
        var (embedCount, embedSuccess) = (0, 0)
        var total = Histogram(Histogram.seconds)
        var tokenization = Histogram(Histogram.seconds)
        var queue = Histogram(Histogram.seconds)
        var inference = Histogram(Histogram.seconds)
        var inputLength = Histogram(Histogram.sizes)
        var batchSize = Histogram(Histogram.sizes)
        var batchTokens = Histogram(Histogram.sizes)
        var (reloads, failedReloads) = (0, 0)
    }

    private let state = Mutex(State())

    public init() {}

    func recordRequest(_ endpoint: Endpoint, isBatch: Bool, inputs: Int) {
        state.withLock {
            $0.requests[isBatch ? "batch" : "single", default: 0] += 1
            if endpoint.embeds { $0.embedCount += inputs }
            if endpoint.predicts { $0.predictCount += inputs }
        }
    }

    func recordFailure(_ failure: Failure) { state.withLock { $0.failures[failure, default: 0] += 1 } }

    func recordSuccess(_ endpoint: Endpoint, isBatch: Bool, _ times: PredictTimes, lengths: [Int]) {
        state.withLock { state in
            state.successes[isBatch ? "batch" : "single", default: 0] += 1
            if endpoint.embeds { state.embedSuccess += lengths.count }
            if endpoint.predicts { state.predictSuccess += lengths.count }
            state.total.record(times.total.inSeconds)
            state.tokenization.record(times.tokenization.inSeconds)
            state.queue.record(times.queue.inSeconds)
            state.inference.record(times.inference.inSeconds)
            for length in lengths { state.inputLength.record(Double(length)) }
        }
    }

    func recordBatch(size: Int, tokens: Int, waiting: Int) {
        state.withLock {
            $0.batchSize.record(Double(size))
            $0.batchTokens.record(Double(tokens))
        }
    }

    /// Counts a reload of the models.
    public func recordReload(isDone: Bool) {
        state.withLock { if isDone { $0.reloads += 1 } else { $0.failedReloads += 1 } }
    }

    /// The exposition format of Prometheus, version 0.0.4.
    ///
    /// - Parameter queueSize: The number of inputs that wait.
    public func text(queueSize: Int) -> String {
        let state = state.withLock { $0 }
        func counter(_ name: String, _ values: [(label: String, count: Int)]) -> String {
            "# TYPE \(name) counter\n" + values.map { "\(name)\($0.label) \($0.count)\n" }.joined()
        }
        func methods(_ values: [String: Int]) -> [(String, Int)] {
            ["single", "batch"].map { ("{method=\"\($0)\"}", values[$0] ?? 0) }
        }
        return counter("te_request_count", methods(state.requests))
            + counter("te_request_success", methods(state.successes))
            + counter(
                "te_request_failure",
                Failure.allCases.map { ("{err=\"\($0.rawValue)\"}", state.failures[$0] ?? 0) })
            + counter("te_predict_count", [("", state.predictCount)])
            + counter("te_predict_success", [("", state.predictSuccess)])
            + counter("te_embed_count", [("", state.embedCount)])
            + counter("te_embed_success", [("", state.embedSuccess)])
            + counter(
                "distill_reload_count",
                [("{result=\"done\"}", state.reloads), ("{result=\"failed\"}", state.failedReloads)])
            + state.total.lines("te_request_duration")
            + state.tokenization.lines("te_request_tokenization_duration")
            + state.queue.lines("te_request_queue_duration")
            + state.inference.lines("te_request_inference_duration")
            + state.inputLength.lines("te_request_input_length")
            + "# TYPE te_queue_size gauge\nte_queue_size \(queueSize)\n"
            + state.batchSize.lines("te_batch_next_size") + state.batchTokens.lines("te_batch_next_tokens")
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var inMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
