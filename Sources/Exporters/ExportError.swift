/// A model that cannot be exported, in one line that names the problem, its location and the remedy.
public struct ExportError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
