import Dispatch

/// Work on many inputs, shared among threads.
enum ParallelMap {
    /// Transforms the inputs, keeping their order.
    ///
    /// - Parameters:
    ///   - inputs: The inputs.
    ///   - threads: The number of threads, at least 1.
    ///   - transform: The work on one.
    /// - Throws: The error of the first input, in order, whose transformation fails.
    static func map<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], threads: Int, _ transform: @Sendable (Input) throws -> Output
    ) throws -> [Output] {
        guard threads > 1, inputs.count > 1 else { return try inputs.map(transform) }
        // Several chunks a thread, since texts differ in length.
        let size = max(1, inputs.count / (threads * 8))
        let chunkCount = (inputs.count + size - 1) / size
        var results = [Result<[Output], any Error>](repeating: .success([]), count: chunkCount)
        results.withUnsafeMutableBufferPointer { results in
            // Each iteration writes its own element only, so the threads do not meet.
            nonisolated(unsafe) let results = results
            DispatchQueue.concurrentPerform(iterations: chunkCount) { chunk in
                let range = chunk * size..<min((chunk + 1) * size, inputs.count)
                results[chunk] = Result { try inputs[range].map(transform) }
            }
        }
        return try results.flatMap { try $0.get() }
    }
}
