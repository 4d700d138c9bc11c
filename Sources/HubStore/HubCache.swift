import Files
import Foundation
import JSON

/// The directories of one repository in the cache, as huggingface_hub lays them out.
package struct HubCache: Sendable {
    package let root: URL
    package let repository: HubRepository

    package init(root: URL, repository: HubRepository) {
        self.root = root
        self.repository = repository
    }

    package var storage: URL { root.appending(path: repository.folder, directoryHint: .isDirectory) }

    package func snapshot(_ commit: String) -> URL {
        storage.appending(path: "snapshots/\(commit)", directoryHint: .isDirectory)
    }
    package func pointer(_ name: String, _ commit: String) -> URL { snapshot(commit).appending(path: name) }
    package func blob(_ etag: String) -> URL { storage.appending(path: "blobs/\(etag)") }
    package func lock(_ etag: String) -> URL {
        root.appending(path: ".locks/\(repository.folder)/\(etag).lock")
    }
    package func absent(_ name: String, _ commit: String) -> URL {
        storage.appending(path: ".no_exist/\(commit)/\(name)")
    }

    /// Returns true if a snapshot has the file, and not as a dangling link.
    package func has(_ name: String, _ commit: String) -> Bool { Self.exists(pointer(name, commit)) }

    package static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// The commit of a revision when it was last looked up.
    package var cachedCommit: String? {
        if repository.isCommit { return repository.revision }
        let url = storage.appending(path: "refs/\(repository.revision)")
        let text = (try? String(contentsOf: url, encoding: .utf8))?.trimmingCharacters(
            in: .whitespacesAndNewlines)
        return text.flatMap { HubRepository.isHexadecimal($0, count: 40) ? $0 : nil }
    }

    /// Records the commit of a revision.
    package func remember(_ commit: String) throws {
        guard repository.revision != commit, cachedCommit != commit else { return }
        let url = storage.appending(path: "refs/\(repository.revision)")
        try make(url.deletingLastPathComponent())
        try AtomicFile.write(commit, to: url)
    }

    /// Remembers that a commit lacks a file.
    package func rememberAbsent(_ name: String, _ commit: String) {
        let url = absent(name, commit)
        guard !Self.exists(url) else { return }
        try? make(url.deletingLastPathComponent())
        _ = FileManager.default.createFile(atPath: url.path, contents: nil)
    }

    /// Keeps a commit's listing where it was got whole.
    package func remember(_ listing: RepositoryListing) {
        let url = storage.appending(path: "trees/\(listing.commit).json")
        guard !Self.exists(url), let text = listing.treeText else { return }
        try? make(url.deletingLastPathComponent())
        try? AtomicFile.write(text, to: url)
    }

    /// The names in a commit, where a listing is kept.
    package func names(_ commit: String) -> [String]? {
        let url = storage.appending(path: "trees/\(commit).json")
        guard let tree = try? JSONValue.load(contentsOf: url).objectValue,
            tree["format_version"]?.intValue == 1
        else {
            return nil
        }
        return tree["files"]?.objectValue?.keys.filter { RepositoryPath.problem($0) == nil }
    }

    /// The names of a snapshot's files.
    package func namesPresent(_ commit: String) -> [String] {
        let directory = snapshot(commit)
        let names = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(
                atPath: directory.appending(path: name).path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }

    package func make(_ directory: URL) throws {
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw HubError.cache(
                path: directory.path, reason: "cannot be made: \(error.localizedDescription)")
        }
    }

    /// Marks the cache for backup programs, as <https://bford.info/cachedir/> says.
    package func tag() throws {
        try make(root)
        let url = root.appending(path: "CACHEDIR.TAG")
        if Self.exists(url) { return }
        let text = """
            Signature: 8a477f597d28d172789f06886806bc55
            # This directory is a cache of files from a Hugging Face Hub.
            # What this file is for: https://bford.info/cachedir/

            """
        try? AtomicFile.write(text, to: url)
    }

    /// Makes the link from a snapshot to a blob, relative so that the cache can be moved.
    package func link(_ name: String, _ commit: String, to etag: String) throws {
        let pointer = pointer(name, commit)
        try make(pointer.deletingLastPathComponent())
        if Self.exists(pointer) { return }
        unlink(pointer.path)
        let up = String(repeating: "../", count: name.split(separator: "/").count + 1)
        guard symlink("\(up)blobs/\(etag)", pointer.path) == 0 || errno == EEXIST else {
            throw HubError.cache(path: pointer.path, reason: systemReason())
        }
    }

    /// A new name for a download. What an earlier one left is taken over; the digest decides whether it was any good.
    package func takeIncomplete(_ etag: String) -> URL {
        let directory = storage.appending(path: "blobs", directoryHint: .isDirectory)
        let unique = String(UInt64.random(in: 0...0xffff_ffff), radix: 16)
        let name = "\(etag).\(String(repeating: "0", count: 8 - unique.count))\(unique).incomplete"
        let url = directory.appending(path: name)
        let left = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let largest = left.filter { $0.hasPrefix(etag + ".") && $0.hasSuffix(".incomplete") }
            .max { Self.size(directory.appending(path: $0)) < Self.size(directory.appending(path: $1)) }
        if let largest { rename(directory.appending(path: largest).path, url.path) }
        return url
    }

    package static func size(_ url: URL) -> Int {
        var status = stat()
        return stat(url.path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Bytes free for this user on a directory's file system.
    package var free: Int? {
        var status = statvfs()
        guard statvfs(root.path, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }
}
