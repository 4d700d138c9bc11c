/// An invalid setting, from a flag, a configuration file or a program, in one line that says where it is and what it must be.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// Runs checks of settings, and converts their errors to ``SettingsError``.
    package static func checking<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as DistillationError {
            throw SettingsError(error.description)
        }
    }
}
