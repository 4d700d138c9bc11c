import JSON

/// The files of a repository at a commit: the response to `/api/models/{id}/revision/{revision}?blobs=true`.
package struct RepositoryListing: Equatable {
    package struct File: Equatable {
        package let name: String
        package let size: Int?
        package let blob: String?
        package let sha256: String?
    }

    package let commit: String
    package let files: [File]

    /// - Throws: ``HubError/badAnswer(url:reason:)``.
    package init(_ body: [UInt8], url: String) throws {
        let value: JSONValue
        do { value = try JSONValue.parse(body) } catch {
            throw HubError.badAnswer(url: url, reason: "the response is not JSON: \(error)")
        }
        guard let commit = value.objectValue?["sha"]?.stringValue,
            HubRepository.isHexadecimal(commit, count: 40)
        else {
            throw HubError.badAnswer(url: url, reason: "the response has no commit in 'sha'")
        }
        guard let siblings = value.objectValue?["siblings"]?.arrayValue else {
            throw HubError.badAnswer(url: url, reason: "the response has no list 'siblings'")
        }
        self.commit = commit
        files = try siblings.map { sibling in
            guard let object = sibling.objectValue, let name = object["rfilename"]?.stringValue else {
                throw HubError.badAnswer(url: url, reason: "a file in 'siblings' has no 'rfilename'")
            }
            if let reason = RepositoryPath.problem(name) {
                throw HubError.badAnswer(
                    url: url, reason: "the file name \(HubError.quoted(name)) is refused: \(reason)")
            }
            let sha256 = object["lfs"]?.objectValue?["sha256"]?.stringValue
            return File(
                name: name, size: object["size"]?.intValue.flatMap { $0 >= 0 ? $0 : nil },
                blob: object["blobId"]?.stringValue.flatMap {
                    HubRepository.isHexadecimal($0, count: 40) ? $0 : nil
                },
                sha256: sha256.flatMap { HubRepository.isHexadecimal($0, count: 64) ? $0 : nil })
        }
    }

    /// The listing as huggingface_hub keeps it in `trees/<commit>.json`; `nil` where the server did not say enough.
    var treeText: String? {
        var entries: [(String, JSONValue)] = []
        for file in files.sorted(by: { $0.name < $1.name }) {
            guard let size = file.size, let blob = file.blob else { return nil }
            var entry: JSONObject = ["size": .integer(size), "blob_id": .string(blob)]
            if let sha256 = file.sha256 {
                entry["lfs_sha256"] = .string(sha256)
                entry["lfs_size"] = .integer(size)
            }
            entries.append((file.name, .object(entry)))
        }
        let tree: JSONValue = ["format_version": 1, "files": .object(JSONObject(entries))]
        return tree.serialized()
    }
}
