/// Why a report cannot be made: one line that says what, where and what to do.
public struct ReportError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
