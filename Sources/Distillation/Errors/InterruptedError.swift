/// An error of work that the user stopped before its end.
public struct InterruptedError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The outcome of the stopped work, such as "nothing was saved".
    public let outcome: String

    /// - Parameter outcome: The outcome of the stopped work, worded to end a sentence.
    public init(_ outcome: String = "nothing was saved") { self.outcome = outcome }

    public var description: String { "interrupted; \(outcome)" }
}
