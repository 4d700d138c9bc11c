import Synchronization

/// The inputs of a request at the inference thread, and where their numbers go.
final class Submission: Sendable {
    /// What a request's inputs gave.
    struct Outcome: Sendable {
        /// The numbers of each input.
        var values: [[Float]]
        /// How long the inputs waited, in the mean.
        var queueTime: Duration = .zero
        /// How long the batches were computed in which the inputs were, in the mean.
        var inferenceTime: Duration = .zero
    }

    private struct State {
        var outcome: Outcome
        var rest: Int
        var error: ServingError?
    }

    let submitted: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant
    private let count: Int
    private let state: Mutex<State>
    private let continuation: CheckedContinuation<Result<Outcome, ServingError>, Never>

    init(
        count: Int, submitted: ContinuousClock.Instant, deadline: ContinuousClock.Instant,
        _ continuation: CheckedContinuation<Result<Outcome, ServingError>, Never>
    ) {
        (self.submitted, self.deadline, self.continuation) = (submitted, deadline, continuation)
        self.count = count
        state = Mutex(State(outcome: Outcome(values: Array(repeating: [], count: count)), rest: count))
    }

    /// Takes the result of one input; with the last one the request goes on.
    func finish(
        _ index: Int, _ result: Result<[Float], ServingError>, began: ContinuousClock.Instant,
        ended: ContinuousClock.Instant
    ) {
        let finished = state.withLock { state -> Result<Outcome, ServingError>? in
            switch result {
            case .success(let values): state.outcome.values[index] = values
            case .failure(let error): state.error = state.error ?? error
            }
            state.outcome.queueTime += (began - submitted) / count
            state.outcome.inferenceTime += (ended - began) / count
            state.rest -= 1
            guard state.rest == 0 else { return nil }
            return state.error.map { .failure($0) } ?? .success(state.outcome)
        }
        if let finished { continuation.resume(returning: finished) }
    }
}
