import Files
import Foundation

/// The meaning of a user's string that names a model or data: a directory, or a repository on the Hub.
public enum HubReference: Sendable, Equatable {
    case directory(URL)
    case repository(HubRepository)

    /// Reads `path`, `org/name` or `org/name@revision`.
    ///
    /// An existing path always takes precedence. A string that begins with `/`, `.` or `~`, ends with `/` or cannot be
    /// an id is only a path. A bare name, which the Hub no longer gives, counts as an id as well.
    ///
    /// - Parameters:
    ///   - text: The user's string.
    ///   - kind: The kind of repository that it would be.
    /// - Throws: ``HubError/neitherPathNorRepository(_:)``.
    public static func parse(_ text: String, kind: HubRepository.Kind = .model) throws -> HubReference {
        if !text.isEmpty, FileManager.default.fileExists(atPath: text) {
            return .directory(URL(filePath: text))
        }
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let revision = parts.count == 2 ? String(parts[1]) : "main"
        guard let id = parts.first,
            let repository = try? HubRepository(String(id), kind: kind, revision: revision)
        else { throw HubError.neitherPathNorRepository(text) }
        return .repository(repository)
    }
}
