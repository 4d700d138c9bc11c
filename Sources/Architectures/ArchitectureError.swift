/// A `config.json` that cannot be read, or says what is not supported, in one line.
public struct ArchitectureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public let description: String

    package init(_ description: String) { self.description = description }
}
