/// A model directory, configuration, checkpoint or input that cannot be used, in one line.
public struct TransformersError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public let description: String

    public init(_ description: String) { self.description = description }
}
