import Dispatch
import Tokenizers

/// Runs work that computes on threads of its own, so that the threads of Swift's tasks stay free.
enum Computing {
    private static let queue = DispatchQueue(label: "distill.runtime", attributes: .concurrent)

    /// Runs a body that reports by itself.
    static func start(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result
    {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }
}

extension TextClassifier {
    /// The prediction for each text or pair, in order, without holding a thread of Swift's tasks.
    ///
    /// - Throws: as the predictions that are waited for; `CancellationError` where the task was cancelled before it began.
    public func predict(_ texts: [TextPair]) async throws -> [Prediction] {
        try await Computing.run { try self.predictions(texts).predictions }
    }
}

extension TokenTagger {
    /// The entities of each text, in order, without holding a thread of Swift's tasks.
    ///
    /// - Throws: as the predictions that are waited for; `CancellationError` where the task was cancelled before it began.
    public func predict(_ texts: [String]) async throws -> [[EntityAggregation.Entity]] {
        try await Computing.run { () throws -> [[EntityAggregation.Entity]] in try self.entities(of: texts) }
    }
}
