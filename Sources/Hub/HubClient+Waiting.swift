import Dispatch
import Foundation
import Synchronization

extension HubClient {
    /// ``snapshot(of:files:onEvent:)`` for code that is not asynchronous. It must not be called from a task.
    ///
    /// - Throws: ``HubError``.
    public func waitForSnapshot(
        of repository: HubRepository, files: FileSelection = .model,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) throws -> URL {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<Result<URL, any Error>?>(nil)
        let box = Box(outcome)
        Task.detached {
            let result: Result<URL, any Error>
            do { result = .success(try await snapshot(of: repository, files: files, onEvent: onEvent)) } catch
            {
                result = .failure(error)
            }
            box.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = box.value.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}

private final class Box: Sendable {
    let value: Mutex<Result<URL, any Error>?>
    init(_ value: consuming Mutex<Result<URL, any Error>?>) { self.value = value }
}
