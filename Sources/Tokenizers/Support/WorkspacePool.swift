import Foundation

/// The workspaces of a tokenizer that no thread uses at the moment, with the words that they know.
final class WorkspacePool: @unchecked Sendable {
    private let lock = NSLock()
    private var free: [EncodeWorkspace] = []
    /// More than threads that work at a time are not kept.
    private let most = ProcessInfo.processInfo.activeProcessorCount

    /// Calls the body with a workspace of its own.
    func withWorkspace<Result>(_ body: (EncodeWorkspace) throws -> Result) rethrows -> Result {
        let workspace = lock.withLock { free.popLast() } ?? EncodeWorkspace()
        defer { lock.withLock { if free.count < most { free.append(workspace) } } }
        return try body(workspace)
    }
}
