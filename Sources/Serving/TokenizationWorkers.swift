import Dispatch
import Synchronization

/// Threads on which large requests are read and tokenized, so that neither the inference thread nor those of other requests wait.
final class TokenizationWorkers: Sendable {
    private let queues: [DispatchQueue]
    private let next = Atomic<Int>(0)

    init(count: Int) {
        queues = (0..<max(1, count)).map { DispatchQueue(label: "distill.tokenization.\($0)") }
    }

    func run<Success: Sendable>(
        _ body: @escaping @Sendable () throws(ServingError) -> Success
    ) async throws(ServingError) -> Success {
        let number = next.wrappingAdd(1, ordering: .relaxed).newValue
        let result: Result<Success, ServingError> = await withCheckedContinuation { continuation in
            queues[(number & .max) % queues.count].async {
                do throws(ServingError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
