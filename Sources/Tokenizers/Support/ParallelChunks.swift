import Storage

/// Work on many inputs, shared among threads.
enum ParallelChunks {
    /// Transforms the inputs, keeping their order.
    ///
    /// - Parameters:
    ///   - threads: the number of threads, at least 1.
    ///   - workspaces: the pool from which each thread takes its workspace.
    /// - Throws: the error of the first input, in order, whose transformation fails.
    static func map<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], threads: Int, workspaces: WorkspacePool,
        _ transform: @Sendable (Input, EncodeWorkspace) throws -> Output
    ) throws -> [Output] {
        let chunkCount = min(threads, inputs.count)
        if chunkCount <= 1 {
            return try workspaces.withWorkspace { workspace in
                try inputs.map { try transform($0, workspace) }
            }
        }
        let chunkSize = (inputs.count + chunkCount - 1) / chunkCount
        var results = [Result<[Output], any Error>](repeating: .success([]), count: chunkCount)
        results.withUnsafeMutableBufferPointer { results in
            // Each iteration writes its own element only, so the threads do not meet.
            nonisolated(unsafe) let results = results
            Threads.perform(chunkCount) { chunk in
                let start = min(chunk * chunkSize, inputs.count)
                let end = min(start + chunkSize, inputs.count)
                results[chunk] = Result {
                    try workspaces.withWorkspace { workspace in
                        try inputs[start..<end].map { try transform($0, workspace) }
                    }
                }
            }
        }
        var outputs: [Output] = []
        outputs.reserveCapacity(inputs.count)
        for result in results { outputs += try result.get() }
        return outputs
    }

    /// Ranges of the inputs, one for each thread, with about the same amount of work.
    ///
    /// - Parameter size: the work on an input, beside what every input takes.
    static func ranges<Input>(of inputs: [Input], threads: Int, size: (Input) -> Int) -> [Range<Int>] {
        if threads <= 1 { return [0..<inputs.count] }
        let perInput = 16
        let total = inputs.reduce(0) { $0 + size($1) + perInput }
        var ranges: [Range<Int>] = []
        var (start, done) = (0, 0)
        for (index, input) in inputs.enumerated() {
            done += size(input) + perInput
            if done >= total / threads * (ranges.count + 1), ranges.count < threads - 1 {
                ranges.append(start..<index + 1)
                start = index + 1
            }
        }
        ranges.append(start..<inputs.count)
        return ranges
    }
}
