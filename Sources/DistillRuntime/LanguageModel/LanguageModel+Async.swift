import Decoding
import Synchronization

extension LanguageModel {
    /// Generates the texts that follow prompts without holding a thread of Swift's tasks.
    ///
    /// - Parameters:
    ///   - prompts: The prompts.
    ///   - options: `nil` for ``defaults``.
    /// - Returns: A text for each prompt, in their order.
    /// - Throws: as the texts that are waited for; `CancellationError` where the task is cancelled, between two pieces.
    public func generate(_ prompts: [Prompt], _ options: GenerationOptions? = nil) async throws
        -> [GeneratedText]
    {
        let isCancelled = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await Computing.run {
                try self.generate(prompts, options, onEvent: { _ in try isCancelled.check() })
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    /// The pieces of the text that follows a prompt, as they come. None ends within a character. Whoever ends the loop over them ends
    /// the generation too.
    ///
    /// - Parameters:
    ///   - prompt: The prompt.
    ///   - options: `nil` for ``defaults``.
    public func stream(_ prompt: Prompt, _ options: GenerationOptions? = nil) -> AsyncThrowingStream<
        String, any Error
    > {
        AsyncThrowingStream { continuation in
            let isCancelled = CancellationFlag()
            continuation.onTermination = { _ in isCancelled.set() }
            Computing.start {
                do {
                    _ = try self.generate([prompt], options) { event in
                        try isCancelled.check()
                        if case .piece(_, let text) = event { continuation.yield(text) }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
        }
    }
}

/// Whether a generation is still wanted.
private final class CancellationFlag: Sendable {
    private let isSet = Atomic(false)

    func set() { isSet.store(true, ordering: .relaxed) }

    func check() throws { if isSet.load(ordering: .relaxed) { throw CancellationError() } }
}
