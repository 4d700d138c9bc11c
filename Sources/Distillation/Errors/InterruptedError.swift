/// The user stopped something before its end.
public struct InterruptedError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is left of it, such as "nothing was saved".
    public let outcome: String

    /// - Parameter outcome: What is left of it, in words that end a sentence.
    public init(_ outcome: String = "nothing was saved") { self.outcome = outcome }

    public var description: String { "interrupted; \(outcome)" }
}
