import Dispatch
import DistillRuntime
import Storage
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Computes the inputs of many requests together, on one thread for all models.
///
/// As soon as the thread is free it takes what waits, up to a number of tokens: an idle server answers at once, a busy one in
/// larger batches. The kernels give an input the same bits in any batch.
public final class BatchScheduler: Sendable {
    private let core: Core
    private let thread: Mutex<pthread_t?>

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - maxBatchTokens: The tokens of a batch.
    ///   - metrics: Told of each batch.
    /// - Throws: ``ServingError`` where the system starts no thread.
    public init(maxBatchTokens: Int, metrics: ServingMetrics) throws(ServingError) {
        let core = Core(maxBatchTokens: maxBatchTokens, metrics: metrics)
        self.core = core
        let isReady = DispatchSemaphore(value: 0)
        let body = {
            core.giveWay()
            isReady.signal()
            core.run()
        }
        guard let started = Threads.start(body) else {
            throw ServingError(.backend, "the system starts no thread to compute on; raise its limit")
        }
        isReady.wait()
        thread = Mutex(started)
    }

    deinit { stop() }

    /// Computes what waits, then ends the thread. Later inputs have an error.
    public func stop() {
        core.end()
        let thread = thread.withLock { thread -> pthread_t? in
            defer { thread = nil }
            return thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    /// The number of inputs that wait.
    public var waitingCount: Int { core.waitingCount }

    /// Keeps the thread from taking another batch until it is resumed.
    package func pause() { core.pause() }
    package func resume() { core.resume() }

    /// Computes a request's inputs.
    ///
    /// - Parameters:
    ///   - inputs: The inputs, at least one.
    ///   - model: The model.
    ///   - deadline: Inputs that are not begun by then are errors.
    /// - Throws: ``ServingError``: overloaded where the deadline passed, backend where the model gave no numbers.
    func outcome(
        of inputs: [ServedModel.Input], _ model: ServedModel, deadline: ContinuousClock.Instant
    ) async throws(ServingError) -> Submission.Outcome {
        let submitted = ContinuousClock.now
        let result = await withCheckedContinuation { continuation in
            let submission = Submission(
                count: inputs.count, submitted: submitted, deadline: deadline, continuation)
            let jobs = inputs.enumerated().map {
                BatchJob(submission: submission, index: $0, input: $1)
            }
            core.append(jobs, model)
        }
        return try result.get()
    }
}

/// What the thread and the requests share.
private final class Core: Sendable {
    private struct State {
        var queue = BatchQueue()
        var isWaiting = false
        var isPaused = false
        var isEnding = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let maxBatchTokens: Int
    private let metrics: ServingMetrics

    init(maxBatchTokens: Int, metrics: ServingMetrics) {
        (self.maxBatchTokens, self.metrics) = (maxBatchTokens, metrics)
    }

    var waitingCount: Int { state.withLock { $0.queue.count } }

    func append(_ jobs: [BatchJob], _ model: ServedModel) {
        let refused = change { state in
            if state.isEnding { return true }
            state.queue.append(jobs, for: model)
            return false
        }
        guard refused else { return }
        let now = ContinuousClock.now
        for job in jobs {
            job.submission.finish(
                job.index, .failure(ServingError(.unhealthy, "the server is shutting down")), began: now,
                ended: now)
        }
    }

    func pause() { change { $0.isPaused = true } }
    func resume() { change { $0.isPaused = false } }

    func end() {
        change {
            $0.isEnding = true
            $0.isPaused = false
        }
    }

    /// Changes the state and wakes the thread.
    @discardableResult
    private func change<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
        var mustWake = false
        let result = state.withLock { state in
            mustWake = state.isWaiting
            state.isWaiting = false
            return body(&state)
        }
        if mustWake { wake.signal() }
        return result
    }

    /// Lets the connections' threads go before this one and the kernels' threads, so that an answer that needs no computing, such as a
    /// refusal, is not late: two steps of niceness. Where the system refuses, all are alike.
    func giveWay() {
        #if os(Linux)
            let ofThread = Int32(PRIO_PROCESS.rawValue)
            setpriority(ofThread, 0, getpriority(ofThread, 0) + 2)
        #endif
        // Those that a model's opening started would have its thread's priority.
        ComputeThreads.start()
    }

    /// The thread.
    func run() {
        while true {
            let now = ContinuousClock.now
            let (taken, isEnding, count) = state.withLock { state in
                guard !state.isPaused, state.queue.count > 0 else {
                    state.isWaiting = !state.isEnding
                    return (Taken(), state.isEnding, 0)
                }
                let taken = state.queue.take(maxTokens: maxBatchTokens, now: now)
                return (
                    Taken(model: taken.model, batch: taken.batch, late: taken.late), false, state.queue.count
                )
            }
            if isEnding { return }
            if taken.batch.isEmpty, taken.late.isEmpty {
                wake.wait()
                continue
            }
            for job in taken.late {
                job.submission.finish(
                    job.index,
                    .failure(
                        ServingError(
                            .overloaded, "the request waited longer than its deadline; try again later")),
                    began: now, ended: now)
            }
            if let model = taken.model {
                metrics.recordBatch(
                    size: taken.batch.count, tokens: taken.batch.reduce(0) { $0 + $1.input.tokenCount },
                    waiting: count)
                compute(taken.batch, model, began: now)
            }
        }
    }

    private struct Taken {
        var model: ServedModel?
        var batch: [BatchJob] = []
        var late: [BatchJob] = []
    }

    private func compute(_ batch: [BatchJob], _ model: ServedModel, began: ContinuousClock.Instant) {
        do {
            let values = try model.values(of: batch.map(\.input))
            let ended = ContinuousClock.now
            for (job, values) in zip(batch, values) {
                job.submission.finish(job.index, .success(values), began: began, ended: ended)
            }
        } catch  where batch.count > 1 {
            // One input's fault must not be the others'.
            for job in batch { compute([job], model, began: began) }
        } catch {
            let message = "the model gives no answer: \(error)"
            batch[0].submission.finish(
                batch[0].index, .failure(ServingError(.backend, message)), began: began, ended: .now)
        }
    }
}
