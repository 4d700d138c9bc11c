import Files
import Foundation
import Synchronization

/// Times the parts of a run and passes on what happens.
final class RunLog {
    private let onEvent: (RunEvent) -> Void
    private var warned: Set<String> = []
    private(set) var phases: [RunReport.Phase] = []
    private var metrics: MetricsLog?

    /// - Parameter loggingDirectory: Where curves and metrics are written; `nil` for nowhere.
    /// - Throws: `FileError` where nothing can be written there.
    init(_ onEvent: @escaping (RunEvent) -> Void, loggingDirectory: URL? = nil) throws {
        self.onEvent = onEvent
        metrics = try loggingDirectory.map(MetricsLog.init)
        tell(Self.temporaryLeftovers.take())
    }

    /// What was removed of processes that were killed.
    func tell(_ removed: Leftovers.Removed?) {
        if let removed { send(.note(removed.description)) }
    }

    /// What the temporary folder held of them when this process began its first run; told once.
    private static let temporaryLeftovers = Once { TemporaryFolder.removeLeftovers() }

    private final class Once<Value: Sendable>: Sendable {
        private let value: Mutex<Value?>
        init(_ make: () -> Value?) { value = Mutex(make()) }
        func take() -> Value? { value.withLock { $0.take() } }
    }

    private init(_ onEvent: @escaping (RunEvent) -> Void) {
        self.onEvent = onEvent
        metrics = nil
    }

    func phase<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        onEvent(.phaseStarted(name))
        let start = Date()
        let result = try body()
        let seconds = -start.timeIntervalSinceNow
        phases.append(.init(name: name, seconds: seconds))
        onEvent(.phaseFinished(name, seconds: seconds))
        return result
    }

    func send(_ event: RunEvent) {
        onEvent(event)
        do {
            try metrics?.handle(event)
        } catch {
            // What is being learnt is worth more than its log.
            metrics = nil
            warnOnce("Metrics are no longer logged: \(error)")
        }
    }

    func send(_ finding: Finding) {
        switch finding.severity {
        case .error, .warning: warnOnce(finding.message)
        case .note: send(.note(finding.message))
        }
    }

    /// A log of the same run whose measurements are shown but not written: of a model beside the run's own.
    func withoutMetrics() -> RunLog { RunLog(onEvent) }

    /// Sends a warning, unless it was sent before.
    func warnOnce(_ text: String) {
        if warned.insert(text).inserted { send(.warning(text)) }
    }

    func progress(_ completed: Int, of total: Int) {
        onEvent(.progress(completed: completed, total: total, unit: "example", detail: ""))
    }
}

/// The user stopped something before it had anything to save.
public struct InterruptedError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String { "interrupted; nothing was saved" }
}
