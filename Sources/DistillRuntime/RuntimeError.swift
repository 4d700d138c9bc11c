/// A model that cannot be opened or run; the description names the file, tensor or text, and says what to do.
public struct RuntimeError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    static let outOfMemory = RuntimeError(
        "there is no memory for this batch; give fewer or shorter texts at once")
}

/// - Throws: ``RuntimeError`` where a kernel found no memory.
func require(_ isDone: Bool) throws {
    guard isDone else { throw RuntimeError.outOfMemory }
}
