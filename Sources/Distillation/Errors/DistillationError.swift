/// An error that keeps a run from starting or going on, in one line that says what, where and what to do.
public struct DistillationError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
