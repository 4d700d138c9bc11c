import Foundation

/// The metadata of a file from the response to a `HEAD` request.
struct FileMetadata: Sendable {
    let name: String
    let commit: String
    /// The SHA-256 of a large file, the git blob's SHA-1 of a small one.
    let etag: String
    let size: Int?
    let location: String
}

extension HubTransport {
    /// Returns the files of a revision.
    ///
    /// - Throws: `HubError`.
    func listing(_ repository: HubRepository, retries: Int?) async throws -> RepositoryListing {
        let revision = RepositoryPath.quote(repository.revision, keepingSlashes: false)
        let url =
            "\(configuration.endpoint)/api/\(repository.kind.rawValue)s/\(repository.id)/revision/\(revision)?blobs=true"
        return try await attempt(retries: retries) {
            let answer = try await send(.GET, url)
            try check(answer, url: url, file: nil)
            let body: [UInt8]
            do { body = Array(buffer: try await answer.response.body.collect(upTo: 64 << 20)) } catch {
                throw try Self.unreachable(url, error)
            }
            return try RepositoryListing(body, url: url)
        }
    }

    /// Returns the metadata of a file.
    ///
    /// - Throws: `HubError`.
    func metadata(_ name: String, _ repository: HubRepository, revision: String) async throws -> FileMetadata
    {
        let url =
            "\(configuration.endpoint)/\(repository.kind.path)\(repository.id)/resolve/"
            + "\(RepositoryPath.quote(revision, keepingSlashes: false))/\(RepositoryPath.quote(name, keepingSlashes: true))"
        return try await attempt {
            let answer = try await send(.HEAD, url, staying: true)
            try check(answer, url: url, file: name)
            let headers = answer.response.headers
            guard let commit = headers.first(name: "X-Repo-Commit"),
                HubRepository.isHexadecimal(commit, count: 40)
            else {
                throw HubError.badAnswer(url: url, reason: "the response has no commit in X-Repo-Commit")
            }
            let linked = headers.first(name: "X-Linked-Etag")
            guard let etag = HubHeaders.etag(linked ?? headers.first(name: "ETag")) else {
                throw HubError.badAnswer(
                    url: url, reason: "the response's ETag is no SHA-1 or SHA-256, so nothing can be checked")
            }
            let isRedirect = answer.response.status.code >= 300
            let size =
                HubHeaders.size(headers.first(name: "X-Linked-Size"))
                ?? (isRedirect ? nil : HubHeaders.size(headers.first(name: "Content-Length")))
            return FileMetadata(
                name: name, commit: commit, etag: etag, size: size, location: answer.url.absoluteString)
        }
    }
}
