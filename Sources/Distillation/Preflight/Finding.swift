/// A finding of the checks before the first step.
public struct Finding: Sendable, Equatable, Codable, CustomStringConvertible {
    public enum Severity: String, Sendable, Codable {
        /// The run cannot begin.
        case error
        /// The run can begin, but its result is in doubt.
        case warning
        /// Something the user may want to know.
        case note
    }

    public var severity: Severity
    /// The problem and what to do about it, in one line.
    public var message: String

    public init(_ severity: Severity, _ message: String) {
        self.severity = severity
        self.message = message
    }

    public var description: String { "\(severity.rawValue): \(message)" }
}

extension Finding {
    /// The finding of a teacher's assessment: a warning where a student can learn nothing good from it.
    init(_ assessment: TeacherAssessment) {
        self.init(
            assessment.warning == nil ? .note : .warning, assessment.warning ?? assessment.summary)
    }
}

/// Several findings that keep a run from beginning.
public struct PreflightError: Error, Equatable, Sendable, CustomStringConvertible {
    /// At least one of severity `error`.
    public let findings: [Finding]

    public var description: String {
        let errors = findings.filter { $0.severity == .error }
        return "\(errors.count) things keep this run from beginning:"
            + errors.map { "\n  - \($0.message)" }.joined()
    }
}

/// Collects findings, so that one error does not hide the next.
final class Diagnostics {
    private(set) var all: [Finding] = []
    /// Those that a run's report keeps.
    private(set) var recorded: [Finding] = []
    private var errors: [any Error] = []

    func add(_ severity: Finding.Severity, _ message: String) {
        let finding = Finding(severity, message)
        guard !all.contains(finding) else { return }
        all.append(finding)
        if severity == .error { errors.append(DistillationError(message)) }
    }

    /// Adds a finding that a run's report keeps.
    func record(_ severity: Finding.Severity, _ message: String) {
        add(severity, message)
        recorded.append(Finding(severity, message))
    }

    /// Runs a part of the set-up; its error becomes a finding.
    ///
    /// - Returns: `nil` where it failed.
    /// - Throws: Only `InterruptedError`, which ends the set-up.
    @discardableResult
    func attempt<Result>(_ body: () throws -> Result) throws -> Result? {
        do { return try body() } catch let error as InterruptedError { throw error } catch let several
            as PreflightError
        {
            // Its parts are findings of their own.
            for finding in several.findings { add(finding.severity, finding.message) }
            return nil
        } catch {
            let message = String(describing: error)
            if !all.contains(where: { $0.message == message }) {
                all.append(Finding(.error, message))
                errors.append(error)
            }
            return nil
        }
    }

    /// All findings: errors first, then warnings, then notes; each in the order found.
    var listed: [Finding] {
        [Finding.Severity.error, .warning, .note].flatMap { severity in
            all.filter { $0.severity == severity }
        }
    }

    var hasErrors: Bool { all.contains { $0.severity == .error } }

    /// Throws the errors among the findings.
    ///
    /// - Throws: A single error as it was thrown, or ``PreflightError`` with all.
    func throwErrors() throws {
        guard hasErrors else { return }
        if errors.count == 1, all.count(where: { $0.severity == .error }) == 1 { throw errors[0] }
        throw PreflightError(findings: all)
    }
}
