/// A model that cannot be exported, in one line that says what, where and what to do.
public struct ExportError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
