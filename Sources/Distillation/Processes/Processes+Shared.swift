/// What processes that work on parts of their own, rather than on the same batch, tell one another.
extension Processes {
    /// The loss of another process, where it is known.
    package var loss: ProcessLossError? { watch.failure.map { ProcessLossError($0) } }

    /// Takes the next part of a shared work.
    ///
    /// - Parameter work: The work's name.
    /// - Throws: ``ProcessLossError`` where another process is lost.
    /// - Returns: 0 for the first part that is taken in any process, and so on.
    package func take(of work: String) throws -> Int {
        do { return try store.next("taken/\(work)") } catch { throw watch.explain(error) }
    }

    /// Tells all processes a value, under a name that is used once.
    ///
    /// - Throws: ``ProcessLossError`` where another process is lost.
    package func tell(_ name: String, _ value: String) throws { try set("told/\(name)", value) }

    /// The value that a process has told under this name; `nil` before.
    ///
    /// Any thread may ask.
    ///
    /// - Throws: ``ProcessLossError`` where another process is lost.
    package func told(_ name: String) throws -> String? {
        do { return try store.value("told/\(name)") } catch { throw watch.explain(error) }
    }

    /// The value that a process tells under this name, once it does.
    ///
    /// - Throws: ``ProcessLossError`` where another process is lost.
    package func waited(forTold name: String) throws -> String { try waited(for: "told/\(name)") }
}
