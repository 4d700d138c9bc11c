/// A reason why a report cannot be made: one line that names the problem, its place and the remedy.
public struct ReportError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
