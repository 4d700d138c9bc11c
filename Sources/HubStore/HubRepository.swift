/// A repository on the Hub at a revision.
public struct HubRepository: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case model, dataset

        /// The prefix of the id in URLs.
        package var path: String { self == .dataset ? "datasets/" : "" }
    }

    public let kind: Kind
    /// `name` or `organization/name`.
    public let id: String
    /// A branch, a tag or a commit.
    public let revision: String

    /// - Parameters:
    ///   - id: as huggingface_hub's `validate_repo_id` allows it.
    ///   - kind: the kind of repository.
    ///   - revision: a branch, a tag or a commit.
    /// - Throws: ``HubError/invalidName(_:reason:)``.
    public init(_ id: String, kind: Kind = .model, revision: String = "main") throws {
        if let reason = Self.problem(id: id) { throw HubError.invalidName(id, reason: reason) }
        if let reason = Self.problem(revision: revision) {
            throw HubError.invalidName(revision, reason: reason)
        }
        self.id = id
        self.kind = kind
        self.revision = revision
    }

    /// The directory in the cache: `models--org--name`.
    var folder: String { "\(kind.rawValue)s--" + id.replacing("/", with: "--") }

    /// True if the revision is a full commit hash, which never changes.
    package var isCommit: Bool { Self.isHexadecimal(revision, count: 40) }

    package static func isHexadecimal(_ text: String, count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private static func problem(id: String) -> String? {
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 2 { return "a repository's id is name or org/name" }
        for part in parts {
            let bytes = Array(part.utf8)
            let fits =
                (1...96).contains(bytes.count) && bytes.allSatisfy { isWord($0) || $0 == 45 || $0 == 46 }
            guard fits, let first = bytes.first, let last = bytes.last, isWord(first), isWord(last) else {
                return
                    "a repository's id has letters, digits, '-', '_' and '.', does not begin or end with '-' or "
                    + "'.', and each part has at most 96 characters"
            }
        }
        if id.contains("--") || id.contains("..") { return "a repository's id has no '--' or '..'" }
        return id.hasSuffix(".git") ? "a repository's id does not end in .git" : nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }

    private static func problem(revision: String) -> String? {
        if let reason = RepositoryPath.problem(revision) { return "is no revision: \(reason)" }
        return nil
    }
}
