import Files
import Foundation
import Synchronization

/// Times the parts of a run and forwards its events.
package final class RunLog {
    private let onEvent: (RunEvent) -> Void
    private var warned: Set<String> = []
    package private(set) var phases: [RunReport.Phase] = []
    private var metrics: MetricsLog?
    package let shouldStop: () -> Bool
    /// The examples of the current phase: of the finished passes over the data, and of the one under way.
    private var examples = (before: 0, now: 0)

    /// - Parameters:
    ///   - loggingDirectory: The directory for curves and metrics; `nil` for none.
    ///   - shouldStop: True ends the reading of data, which has nothing to save.
    /// - Throws: `FileError` where nothing can be written there.
    package init(
        _ onEvent: @escaping (RunEvent) -> Void, loggingDirectory: URL? = nil,
        shouldStop: @escaping () -> Bool = { false }
    ) throws {
        (self.onEvent, self.shouldStop) = (onEvent, shouldStop)
        metrics = try loggingDirectory.map(MetricsLog.init)
        tell(Self.temporaryLeftovers.take())
    }

    /// Reports the leftovers of killed processes that were removed.
    package func tell(_ removed: Leftovers.Removed?) {
        if let removed { send(.note(removed.description)) }
    }

    /// The leftovers in the temporary folder when this process began its first run; reported once.
    private static let temporaryLeftovers = Once { TemporaryFolder.removeLeftovers() }

    private final class Once<Value: Sendable>: Sendable {
        private let value: Mutex<Value?>
        init(_ make: () -> Value?) { value = Mutex(make()) }
        func take() -> Value? { value.withLock { $0.take() } }
    }

    private init(_ onEvent: @escaping (RunEvent) -> Void, shouldStop: @escaping () -> Bool) {
        (self.onEvent, self.shouldStop) = (onEvent, shouldStop)
        metrics = nil
    }

    package func phase<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        examples = (0, 0)
        onEvent(.phaseStarted(name))
        let start = Date()
        let result = try body()
        let seconds = -start.timeIntervalSinceNow
        phases.append(.init(name: name, seconds: seconds))
        onEvent(.phaseFinished(name, seconds: seconds))
        return result
    }

    package func send(_ event: RunEvent) {
        onEvent(event)
        do {
            try metrics?.handle(event)
        } catch {
            // Training is worth more than its log.
            metrics = nil
            warnOnce("Metrics are no longer logged: \(error)")
        }
    }

    /// Notes in the curves that the run goes on from a step: later points from before are drawn anew.
    func resume(step: Int) {
        do { try metrics?.resume(step: step) } catch {
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

    /// A log of the same run whose measurements are shown but not written: for a model other than the run's own.
    func withoutMetrics() -> RunLog { RunLog(onEvent, shouldStop: shouldStop) }

    /// Sends a warning, unless it was sent before.
    package func warnOnce(_ text: String) {
        if warned.insert(text).inserted { send(.warning(text)) }
    }

    /// Reports how many examples of a pass over the data are done. A phase may have several passes, one after another.
    ///
    /// - Parameters:
    ///   - completed: How many are done.
    ///   - total: How many there are.
    ///   - unit: What is counted, in the singular.
    package func progress(_ completed: Int, of total: Int, unit: String = "example") {
        if completed < examples.now { examples.before += examples.now }
        examples.now = completed
        send(completed, of: total, examples.before + completed, unit)
    }

    /// Reports that so many more examples were read, of an unknown total.
    ///
    /// - Parameters:
    ///   - count: How many more are done.
    ///   - unit: What is counted, in the singular.
    /// - Throws: ``InterruptedError`` where the work is to stop.
    package func advance(by count: Int, unit: String = "example") throws {
        if shouldStop() {
            throw InterruptedError("the data were not read to their end, and nothing was saved")
        }
        examples.now += count
        send(examples.now, of: nil, examples.now, unit)
    }

    private func send(_ completed: Int, of total: Int?, _ count: Int, _ unit: String) {
        var progress = RunProgress(completed: completed, total: total, unit: unit, examples: count)
        progress.counted = unit
        onEvent(.progress(progress))
    }
}
