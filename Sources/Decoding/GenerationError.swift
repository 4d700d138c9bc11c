/// What cannot be generated, in one line: the problem, where it is, and the remedy.
public struct GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
