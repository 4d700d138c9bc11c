/// A setting or a model's file that training texts cannot be made with, in one line that says what to do.
///
/// What is wrong with data is a `DatasetError`, which names file and line.
public struct ConversationsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    /// Makes an error.
    ///
    /// - Parameter description: What is wrong, where, and what to do.
    public init(_ description: String) { self.description = description }
}
