import Foundation

/// Looks up snapshots in the cache alone, without any network.
public struct HubLookup: Sendable {
    public let configuration: HubConfiguration

    public init(_ configuration: HubConfiguration = HubConfiguration()) { self.configuration = configuration }

    /// Returns the cached snapshot of a repository.
    ///
    /// - Returns: The snapshot's directory.
    /// - Throws: ``HubError/offline(id:revision:)`` or ``HubError/incomplete(id:revision:missing:)``.
    public func cachedSnapshot(of repository: HubRepository, files: FileSelection = .model) throws -> URL {
        let cache = HubCache(root: configuration.cache, repository: repository)
        guard let commit = cache.cachedCommit, HubCache.exists(cache.snapshot(commit)) else {
            throw HubError.offline(id: repository.id, revision: repository.revision)
        }
        let missing = try cache.missing(files, commit, strictly: false)
        guard missing.isEmpty else {
            throw HubError.incomplete(id: repository.id, revision: repository.revision, missing: missing)
        }
        return cache.snapshot(commit)
    }

    /// The snapshot where the Hub need not or must not be asked: a commit whose files are all there, or offline mode.
    ///
    /// - Returns: The snapshot's directory; `nil` where the Hub has to be asked.
    /// - Throws: ``HubError`` where the network may not be used and the cache does not have it.
    public func settledSnapshot(of repository: HubRepository, files: FileSelection = .model) throws -> URL? {
        if configuration.isOffline { return try cachedSnapshot(of: repository, files: files) }
        let cache = HubCache(root: configuration.cache, repository: repository)
        guard repository.isCommit, HubCache.exists(cache.snapshot(repository.revision)),
            try cache.missing(files, repository.revision, strictly: true).isEmpty
        else { return nil }
        return cache.snapshot(repository.revision)
    }

    /// The data files that a reference names in a snapshot.
    ///
    /// - Parameters:
    ///   - reference: The repository, and the file, folder or pattern in it.
    ///   - split: The part of the data where the reference names no file.
    ///   - directory: The snapshot's directory.
    /// - Returns: At least one file, in the order in which they are one data set.
    /// - Throws: ``HubError``.
    public func data(of reference: HubDataReference, split: DataSplit, in directory: URL) throws -> [URL] {
        let cache = HubCache(root: configuration.cache, repository: reference.repository)
        let commit = directory.lastPathComponent
        // The earlier choice is repeated: the rules consider only files of the same kind.
        let names = cache.names(commit) ?? cache.namesPresent(commit)
        return try FileSelection.data(reference, split: split)
            .choose(from: names, id: reference.repository.id).map { directory.appending(path: $0) }
    }
}
