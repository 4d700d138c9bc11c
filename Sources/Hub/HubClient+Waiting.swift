import Dispatch
import Foundation
import Synchronization

extension HubClient {
    /// ``snapshot(of:files:onEvent:)`` for code that is not asynchronous. It must not be called from a task.
    ///
    /// - Throws: `HubError`.
    public func waitForSnapshot(
        of repository: HubRepository, files: FileSelection = .model,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) throws -> URL {
        try wait { try await snapshot(of: repository, files: files, onEvent: onEvent) }
    }

    /// ``data(of:split:onEvent:)`` for code that is not asynchronous. It must not be called from a task.
    ///
    /// - Throws: `HubError`.
    public func waitForData(
        of reference: HubDataReference, split: DataSplit,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) throws -> [URL] {
        try wait { try await data(of: reference, split: split, onEvent: onEvent) }
    }

    private func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let box = Box<Value>()
        Task.detached {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = box.value.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}

private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Result<Value, any Error>?>(nil)
}
