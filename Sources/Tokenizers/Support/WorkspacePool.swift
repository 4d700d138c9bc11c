import Storage
import Synchronization

/// The workspaces of a tokenizer that no thread uses at the moment, with the words that they know.
final class WorkspacePool: Sendable {
    private let free = Mutex<[EncodeWorkspace]>([])
    /// More than threads that work at a time are not kept.
    private let most = Processors.activeCount

    /// Calls the body with a workspace of its own.
    func withWorkspace<Result>(_ body: (EncodeWorkspace) throws -> Result) rethrows -> Result {
        let workspace = free.withLock { $0.popLast() } ?? EncodeWorkspace()
        defer { free.withLock { if $0.count < most { $0.append(workspace) } } }
        return try body(workspace)
    }
}
