import DistillRuntime
import JSON
import Synchronization
import Tokenizers

/// How long the parts of a request took.
public struct PredictTimes: Sendable {
    public var total: Duration = .zero
    public var tokenization: Duration = .zero
    public var queue: Duration = .zero
    public var inference: Duration = .zero
}

/// An answer to `POST /predict`.
public struct PredictAnswer: Sendable {
    /// JSON.
    public let body: String
    /// The headers that say what it cost.
    public let headers: [(name: String, value: String)]
}

/// Answers requests: reads, tokenizes, computes and writes them.
public final class PredictService: Sendable {
    public let limits: ServingLimits
    public let models: ModelTable
    public let metrics: ServingMetrics
    private let scheduler: BatchScheduler
    private let workers: TokenizationWorkers
    private let running = Atomic<Int>(0)
    private let isClosing = Atomic<Bool>(false)

    /// Bodies from this size on are read and tokenized on a thread beside.
    private static let largeBody = 16384

    /// Opens models and starts the inference thread.
    ///
    /// - Throws: As ``ModelTable/init(_:_:maxBatchTokens:)`` and ``BatchScheduler/init(maxBatchTokens:metrics:)``.
    public init(
        _ references: [ModelReference], _ options: ModelOptions = ModelOptions(),
        _ limits: ServingLimits = ServingLimits()
    ) throws {
        let metrics = ServingMetrics()
        (self.limits, self.metrics) = (limits, metrics)
        models = try ModelTable(references, options, maxBatchTokens: limits.maxBatchTokens)
        scheduler = try BatchScheduler(maxBatchTokens: limits.maxBatchTokens, metrics: metrics)
        workers = TokenizationWorkers(count: limits.tokenizationWorkers)
    }

    package var batches: BatchScheduler { scheduler }

    /// True until ``close()``: requests are welcome.
    public var isReady: Bool { !isClosing.load(ordering: .relaxed) }

    /// Says that no more requests are welcome; those that come are answered all the same.
    public func close() { isClosing.store(true, ordering: .relaxed) }

    /// The text of `/metrics`.
    public var metricsText: String { metrics.text(queueSize: scheduler.waitingCount) }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - body: The body's bytes.
    ///   - name: The model's name; `nil` for the first one.
    /// - Throws: ``ServingError``.
    public func predict(_ body: [UInt8], model name: String?) async throws(ServingError) -> PredictAnswer {
        let start = ContinuousClock.now
        let model = try models.current.model(name)
        do throws(ServingError) {
            guard running.wrappingAdd(1, ordering: .relaxed).newValue <= limits.maxConcurrentRequests else {
                running.wrappingSubtract(1, ordering: .relaxed)
                throw ServingError(
                    .overloaded,
                    "the model is overloaded: \(limits.maxConcurrentRequests) requests are being answered; try again later"
                )
            }
            defer { running.wrappingSubtract(1, ordering: .relaxed) }
            return try await answer(body, model, start)
        } catch {
            metrics.recordFailure(ServingMetrics.Failure(error))
            throw error
        }
    }

    private struct Prepared: Sendable {
        var request: PredictRequest
        var inputs: [ServedModel.Input]
        var tokenization: Duration
    }

    private func answer(_ body: [UInt8], _ model: ServedModel, _ start: ContinuousClock.Instant)
        async throws(ServingError) -> PredictAnswer
    {
        let prepared: Prepared
        if body.count < Self.largeBody {
            prepared = try prepare(body, model)
        } else {
            prepared = try await workers.run { () throws(ServingError) in try self.prepare(body, model) }
        }
        let request = prepared.request
        let outcome = try await scheduler.outcome(
            of: prepared.inputs, model, deadline: start + limits.requestTimeout)
        var answers: [JSONValue] = []
        for (input, logits) in zip(prepared.inputs, outcome.logits) {
            answers.append(try model.answer(input, logits, rawScores: request.rawScores))
        }
        let text = (request.isBatch ? .array(answers) : answers[0]).serialized()
        let times = PredictTimes(
            total: .now - start, tokenization: prepared.tokenization, queue: outcome.queueTime,
            inference: outcome.inferenceTime)
        let lengths = prepared.inputs.map(\.tokenCount)
        metrics.recordSuccess(isBatch: request.isBatch, times, lengths: lengths)
        let characters = request.inputs.reduce(0) {
            $0 + $1.text.unicodeScalars.count + ($1.pair?.unicodeScalars.count ?? 0)
        }
        return PredictAnswer(
            body: text,
            headers: Self.headers(times, characters: characters, tokens: lengths.reduce(0, +)))
    }

    /// Reads and tokenizes a body.
    private func prepare(_ body: [UInt8], _ model: ServedModel) throws(ServingError) -> Prepared {
        let request = try PredictRequest(body)
        metrics.recordRequest(isBatch: request.isBatch, inputs: request.inputs.count)
        guard request.inputs.count <= limits.maxClientBatchSize else {
            throw ServingError(
                .validation,
                "batch size \(request.inputs.count) > maximum allowed batch size \(limits.maxClientBatchSize)"
            )
        }
        try model.check(request)
        let start = ContinuousClock.now
        var inputs: [ServedModel.Input] = []
        for text in request.inputs {
            inputs.append(
                try model.input(
                    text, truncate: request.truncate ?? limits.autoTruncate, side: request.truncationSide,
                    maxTokens: limits.maxBatchTokens))
        }
        return Prepared(
            request: request, inputs: inputs, tokenization: (.now - start) / request.inputs.count)
    }

    private static func headers(_ times: PredictTimes, characters: Int, tokens: Int) -> [(String, String)] {
        [
            ("x-compute-type", "cpu"), ("x-compute-time", "\(times.total.inMilliseconds)"),
            ("x-compute-characters", "\(characters)"), ("x-compute-tokens", "\(tokens)"),
            ("x-total-time", "\(times.total.inMilliseconds)"),
            ("x-tokenization-time", "\(times.tokenization.inMilliseconds)"),
            ("x-queue-time", "\(times.queue.inMilliseconds)"),
            ("x-inference-time", "\(times.inference.inMilliseconds)"),
        ]
    }
}
