/// Data on the Hub as a user names them: `hf://datasets/ORG/NAME[@REVISION][/PATH]`, as fsspec does.
public struct HubDataReference: Sendable, Equatable {
    public let repository: HubRepository
    /// A file, a folder or a pattern in the repository; empty for the whole.
    public let path: String

    static let scheme = "hf://"

    /// - Parameter path: A file, a folder or a pattern; empty for the whole.
    init(repository: HubRepository, path: String) {
        self.repository = repository
        self.path = path
    }

    /// Reads a text that is meant as one.
    ///
    /// - Returns: `nil` where it does not begin with `hf://`.
    /// - Throws: ``HubError/badReference(_:reason:)`` or ``HubError/invalidName(_:reason:)``.
    public static func parse(_ text: String) throws -> HubDataReference? {
        text.hasPrefix(scheme) ? try HubDataReference(text) : nil
    }

    /// - Parameter text: The user's string. The revision may have slashes as `refs/convert/parquet` and `refs/pr/1`
    ///   do, or written as `%2F`.
    /// - Throws: ``HubError/badReference(_:reason:)`` or ``HubError/invalidName(_:reason:)``.
    public init(_ text: String) throws {
        func refused(_ reason: String) -> HubError { .badReference(text, reason: reason) }
        let kind = Self.scheme + "datasets/"
        guard text.hasPrefix(kind) else {
            throw refused("data on the Hub are named hf://datasets/ORG/NAME[@REVISION][/PATH]")
        }
        var parts = text.dropFirst(kind.count).split(separator: "/", omittingEmptySubsequences: false)
            .map(String.init)
        if parts.count > 1, parts.last == "" { parts.removeLast() }
        // `name` alone, as data sets had no organization once.
        let idCount = parts.count > 1 && !parts[0].contains("@") ? 2 : 1
        let named = parts[..<idCount].joined(separator: "/").split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        var rest = Array(parts[idCount...])
        var revision = named.count == 2 ? String(named[1]) : "main"
        if revision == "refs", rest.count >= 2, ["convert", "pr"].contains(rest[0]) {
            revision = (["refs"] + rest[..<2]).joined(separator: "/")
            rest.removeFirst(2)
        }
        revision = revision.replacing("%2F", with: "/").replacing("%2f", with: "/")
        guard !revision.isEmpty else { throw refused("there is no revision behind the '@'") }
        repository = try HubRepository(String(named.first ?? ""), kind: .dataset, revision: revision)
        path = rest.joined(separator: "/")
        if !path.isEmpty, let reason = RepositoryPath.problem(path) {
            throw refused("the path '\(HubError.safe(path))' is refused: \(reason)")
        }
    }

    /// The files that are meant, among all of the repository.
    ///
    /// - Parameters:
    ///   - names: The repository's files.
    ///   - split: The part of the data where the path is empty or a folder.
    /// - Returns: At least one name, in byte order.
    /// - Throws: ``HubError/data(source:reason:)``.
    func files(among names: [String], split: DataSplit) throws -> [String] {
        func refused(_ reason: String) -> HubError {
            .data(source: "\(Self.scheme)datasets/\(repository.id)", reason: reason)
        }
        func there() -> String {
            DataSplit.Problem.none(split, there: names.filter(DataName.isData)).description
        }
        if names.contains(where: { $0.utf8.elementsEqual(path.utf8) }) {
            guard DataName.format(path) != nil else {
                throw refused(
                    "'\(HubError.safe(path))' is no data file (.csv, .tsv, .jsonl, .json or .parquet)")
            }
            return [path]
        }
        if path.contains(where: { "*?[".contains($0) }) {
            let found = names.filter { FileSelection.matchesPath($0, path) && DataName.isData($0) }
            guard !found.isEmpty else {
                throw refused("no data file fits '\(HubError.safe(path))'; \(there())")
            }
            return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
        let folder = path.isEmpty ? "" : path + "/"
        let within = names.filter { $0.utf8.starts(with: folder.utf8) }
        guard path.isEmpty || !within.isEmpty else {
            throw refused("there is no file or folder '\(HubError.safe(path))'; \(there())")
        }
        do {
            return try split.files(
                among: within.map { String($0.dropFirst(folder.count)) }, isFolderNamed: !path.isEmpty
            ).map { folder + $0 }
        } catch let problem as DataSplit.Problem {
            throw refused(path.isEmpty ? "\(problem)" : "\(HubError.safe(path)): \(problem)")
        }
    }
}
