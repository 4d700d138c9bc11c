/// A model directory, configuration or checkpoint that cannot be used, in one line.
public struct TransformersError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
