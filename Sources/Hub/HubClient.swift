import Foundation
import Synchronization

/// Fetches models and data from a Hugging Face Hub into the cache that Python's huggingface_hub uses too.
public struct HubClient: Sendable {
    public let configuration: HubConfiguration

    public init(_ configuration: HubConfiguration = HubConfiguration()) { self.configuration = configuration }

    /// Fetches a repository's files, unless the cache has them.
    ///
    /// A commit whose files are all there needs no network. Where the Hub cannot be reached, a complete snapshot of the
    /// revision's last known commit is used, with a warning.
    ///
    /// - Parameters:
    ///   - repository: The repository and revision.
    ///   - files: The files to fetch.
    ///   - onEvent: Told of progress and warnings, from any thread.
    /// - Returns: The snapshot's directory.
    /// - Throws: `HubError`.
    public func snapshot(
        of repository: HubRepository, files: FileSelection = .model,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> URL {
        if let settled = try lookup.settledSnapshot(of: repository, files: files) { return settled }
        let cache = HubCache(root: configuration.cache, repository: repository)
        let clients = try HubClients(configuration)
        do {
            let transport = HubTransport(
                clients: clients, configuration: configuration, repository: repository)
            let url = try await fetch(repository, files, cache, transport, onEvent)
            try await clients.shutdown()
            return url
        } catch {
            try? await clients.shutdown()
            throw error
        }
    }

    /// Fetches one file, unless the cache has it.
    ///
    /// - Parameters:
    ///   - name: The file's name in the repository.
    ///   - repository: The repository and revision.
    ///   - onEvent: Told of progress and warnings, from any thread.
    /// - Returns: The file in the snapshot's directory.
    /// - Throws: `HubError`.
    public func file(
        _ name: String, of repository: HubRepository,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> URL {
        if let reason = RepositoryPath.problem(name) { throw HubError.invalidName(name, reason: reason) }
        if FileSelection.isPickle(name) { throw HubError.pickle(id: repository.id, files: [name]) }
        let cache = HubCache(root: configuration.cache, repository: repository)
        if let commit = cache.cachedCommit, configuration.isOffline || repository.isCommit {
            if cache.has(name, commit) { return cache.pointer(name, commit) }
            if HubCache.exists(cache.absent(name, commit)) {
                throw HubError.fileNotFound(id: repository.id, revision: repository.revision, file: name)
            }
        }
        do {
            return try await snapshot(
                of: repository, files: FileSelection(rule: .file(name)), onEvent: onEvent
            )
            .appending(path: name)
        } catch HubError.nothingSelected {
            throw HubError.fileNotFound(id: repository.id, revision: repository.revision, file: name)
        }
    }

    /// Fetches the data that a reference names, unless the cache has them.
    ///
    /// - Parameters:
    ///   - reference: The repository, and the file, folder or pattern in it.
    ///   - split: The part of the data where the reference names no file.
    ///   - onEvent: Told of progress and warnings, from any thread.
    /// - Returns: The files in the snapshot's directory, at least one, in the order in which they are one data set.
    /// - Throws: `HubError`.
    public func data(
        of reference: HubDataReference, split: DataSplit,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> [URL] {
        let directory = try await snapshot(
            of: reference.repository, files: .data(reference, split: split), onEvent: onEvent)
        return try lookup.data(of: reference, split: split, in: directory)
    }

    /// Returns the cached snapshot of a repository, without any network access.
    ///
    /// - Returns: The snapshot's directory.
    /// - Throws: `HubError/offline(id:revision:)` or `HubError/incomplete(id:revision:missing:)`.
    public func cachedSnapshot(of repository: HubRepository, files: FileSelection = .model) throws -> URL {
        try lookup.cachedSnapshot(of: repository, files: files)
    }

    private var lookup: HubLookup { HubLookup(configuration) }

    private func fetch(
        _ repository: HubRepository, _ files: FileSelection, _ cache: HubCache, _ transport: HubTransport,
        _ onEvent: @escaping @Sendable (HubEvent) -> Void
    ) async throws -> URL {
        let cached = try? cachedSnapshot(of: repository, files: files)
        let listing: RepositoryListing
        do {
            listing = try await transport.listing(repository, retries: cached == nil ? nil : 0)
        } catch let error as HubError {
            guard let cached, error.isOutage else { throw error }
            onEvent(.warning("\(error); using the cached \(cached.lastPathComponent)"))
            return cached
        }
        let names = listing.files.map(\.name)
        if case .file(let name) = files.rule, !names.contains(name) {
            cache.rememberAbsent(name, listing.commit)
            try cache.remember(listing.commit)
        }
        let chosen = try files.choose(from: names, id: repository.id)
        try cache.tag()
        cache.remember(listing)
        if files == .model {
            for name in FileSelection.optional where !names.contains(name) {
                cache.rememberAbsent(name, listing.commit)
            }
        }
        try await fetch(chosen, listing.commit, cache, transport, onEvent)
        if chosen.contains(FileSelection.index), files == .model {
            let shards = try cache.shards(listing.commit)
            if let absent = shards.first(where: { !names.contains($0) }) {
                throw HubError.fileNotFound(id: repository.id, revision: repository.revision, file: absent)
            }
            try await fetch(shards, listing.commit, cache, transport, onEvent)
        }
        try cache.remember(listing.commit)
        return cache.snapshot(listing.commit)
    }

    /// Fetches several files at once, once their sizes are known to fit the disk.
    private func fetch(
        _ names: [String], _ commit: String, _ cache: HubCache, _ transport: HubTransport,
        _ onEvent: @escaping @Sendable (HubEvent) -> Void
    ) async throws {
        let needed = names.filter { !cache.has($0, commit) }
        let metadata = try await concurrently(needed) { name in
            let metadata = try await transport.metadata(name, cache.repository, revision: commit)
            guard metadata.commit == commit else {
                throw HubError.badAnswer(
                    url: metadata.location, reason: "is of commit \(metadata.commit), not \(commit)")
            }
            return metadata
        }
        let missing = metadata.filter { !HubCache.exists(cache.blob($0.etag)) }
        let bytes = missing.reduce(0) {
            $0.addingReportingOverflow($1.size ?? 0).overflow ? .max : $0 + ($1.size ?? 0)
        }
        if let free = cache.free, bytes > free {
            throw HubError.diskSpace(directory: cache.root.path, needed: bytes, free: free)
        }
        let total = metadata.reduce(0) {
            $0.addingReportingOverflow($1.size ?? 0).overflow ? .max : $0 + ($1.size ?? 0)
        }
        let meter = ProgressMeter(total: total, files: metadata.count, onEvent: onEvent)
        _ = try await concurrently(metadata) { file in
            let download = FileDownload(transport: transport, cache: cache, file: file) {
                meter.move($0, file)
            }
            try await download.run()
            meter.finish(file)
        }
    }

    private func concurrently<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results: [Int: Result] = [:]
            var next = 0
            while next < items.count || results.count < items.count {
                if next < items.count, next - results.count < max(1, configuration.concurrency) {
                    let (index, item) = (next, items[next])
                    group.addTask { (index, try await body(item)) }
                    next += 1
                } else if let (index, result) = try await group.next() {
                    results[index] = result
                }
            }
            return items.indices.compactMap { results[$0] }
        }
    }
}

extension HubError {
    /// True if the Hub, not the request, is at fault, so that the cache may be used instead.
    var isOutage: Bool {
        switch self {
        case .unreachable: true
        case .status(_, let code): code == 429 || code >= 500
        default: false
        }
    }
}
