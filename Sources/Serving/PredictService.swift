import Synchronization

/// How long the parts of a request took.
public struct PredictTimes: Sendable {
    public var total: Duration = .zero
    public var tokenization: Duration = .zero
    public var queue: Duration = .zero
    public var inference: Duration = .zero
}

/// An answer to a question.
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
        // First, since it starts the threads that compute.
        scheduler = try BatchScheduler(maxBatchTokens: limits.maxBatchTokens, metrics: metrics)
        models = try ModelTable(references, options, maxBatchTokens: limits.maxBatchTokens)
        workers = TokenizationWorkers(count: limits.tokenizationWorkers)
    }

    package var batches: BatchScheduler { scheduler }

    /// True until ``close()``: requests are welcome.
    public var isReady: Bool { !isClosing.load(ordering: .relaxed) }

    /// Says that no more requests are welcome; those that come are answered all the same.
    public func close() { isClosing.store(true, ordering: .relaxed) }

    /// True while as many requests are in progress as may be.
    public var isFull: Bool { running.load(ordering: .relaxed) >= limits.maxConcurrentRequests }

    /// The requests in progress.
    public var runningCount: Int { running.load(ordering: .relaxed) }

    /// The error of a request that is refused unread, because the server is full; it is counted as ``answer(_:_:model:)`` counts it.
    ///
    /// - Parameter name: The model's name; `nil` for the first one.
    /// - Returns: `nil` where no model has the name.
    public func refusal(of name: String?) -> ServingError? {
        guard (try? models.current.model(name)) != nil else { return nil }
        metrics.recordFailure(.overloaded)
        return overloaded
    }

    private var overloaded: ServingError {
        ServingError(
            .overloaded,
            "the model is overloaded: \(limits.maxConcurrentRequests) requests are being answered; try again later"
        )
    }

    /// The text of `/metrics`.
    public var metricsText: String { metrics.text(queueSize: scheduler.waitingCount) }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - endpoint: What is asked for.
    ///   - body: The body's bytes.
    ///   - name: The model's name; `nil` for the first one, or of OpenAI's form the one that the body names.
    /// - Throws: ``ServingError``.
    public func answer(
        _ endpoint: Endpoint, _ body: [UInt8], model name: String?
    ) async throws(ServingError) -> PredictAnswer {
        let start = ContinuousClock.now
        let models = models.current
        let model = try models.model(name)
        do throws(ServingError) {
            guard running.wrappingAdd(1, ordering: .relaxed).newValue <= limits.maxConcurrentRequests else {
                running.wrappingSubtract(1, ordering: .relaxed)
                throw overloaded
            }
            defer { running.wrappingSubtract(1, ordering: .relaxed) }
            let question = Question(
                endpoint: endpoint, body: body, model: model, others: name == nil ? models : nil)
            return try await answer(question, start)
        } catch {
            metrics.recordFailure(ServingMetrics.Failure(error))
            throw error
        }
    }

    private struct Question: Sendable {
        let endpoint: Endpoint
        let body: [UInt8]
        let model: ServedModel
        /// The models that the body may name.
        let others: ModelSet?
    }

    private struct Prepared: Sendable {
        var request: any ModelRequest
        var model: ServedModel
        var work: ModelWork
        var tokenization: Duration
    }

    private func answer(_ question: Question, _ start: ContinuousClock.Instant)
        async throws(ServingError) -> PredictAnswer
    {
        let prepared: Prepared
        if question.body.count < Self.largeBody {
            prepared = try prepare(question)
        } else {
            prepared = try await workers.run { () throws(ServingError) in try self.prepare(question) }
        }
        let request = prepared.request
        var times = PredictTimes(tokenization: prepared.tokenization)
        switch prepared.work {
        case .answer(let text):
            times.total = .now - start
            metrics.recordSuccess(question.endpoint, isBatch: request.isBatch, times, lengths: [])
            return PredictAnswer(body: text, headers: [])
        case .compute(let inputs, let answer):
            let outcome = try await scheduler.outcome(
                of: inputs, prepared.model, deadline: start + limits.requestTimeout)
            let text = try answer(outcome.values)
            (times.queue, times.inference) = (outcome.queueTime, outcome.inferenceTime)
            times.total = .now - start
            let lengths = inputs.map(\.tokenCount)
            metrics.recordSuccess(question.endpoint, isBatch: request.isBatch, times, lengths: lengths)
            return PredictAnswer(
                body: text,
                headers: Self.headers(
                    times, characters: request.characterCount, tokens: lengths.reduce(0, +)))
        }
    }

    /// Reads and tokenizes a body.
    private func prepare(_ question: Question) throws(ServingError) -> Prepared {
        let request = try question.endpoint.read(question.body)
        metrics.recordRequest(question.endpoint, isBatch: request.isBatch, inputs: request.inputCount)
        var model = question.model
        if let name = request.modelName, let others = question.others, others.models.count > 1 {
            model = try others.model(name)
        }
        guard question.endpoint.fits(model.kind) else {
            throw ServingError.unfit(question.endpoint, model.name, model.kind)
        }
        guard request.inputCount <= limits.maxClientBatchSize else {
            throw ServingError(batchSize: request.inputCount, most: limits.maxClientBatchSize)
        }
        let start = ContinuousClock.now
        let work = try request.work(for: model, limits)
        return Prepared(
            request: request, model: model, work: work,
            tokenization: (.now - start) / max(1, request.inputCount))
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
