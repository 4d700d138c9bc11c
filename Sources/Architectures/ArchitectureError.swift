/// A `config.json` that cannot be read, or says what is not supported, in one line.
public struct ArchitectureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The problem, its location, and the remedy.
    public let description: String

    package init(_ description: String) { self.description = description }
}
