import Files
import Foundation
import JSON

/// The contents of a cache: to be listed, verified and pruned.
///
/// ```swift
/// let cache = CacheContents(CacheOptions().root)
/// for entry in cache.entries() { print(entry.kind, entry.bytes, entry.description) }
/// _ = cache.prune(.init(olderThan: 30 * 86_400))
/// ```
public struct CacheContents: Sendable {
    public let root: URL

    public init(_ root: URL) { self.root = root }

    /// Something that is kept.
    public struct Entry: Sendable, Equatable, Codable {
        public enum Kind: String, Sendable, Codable {
            /// A data file's tokens.
            case tokens
            /// A teacher's outputs for any number of texts.
            case teacherOutputs = "teacher_outputs"
            /// The digests of large files.
            case digests
            /// Files that a killed process left, or that one is writing now.
            case unfinished
            /// A model that could not be saved in its output directory.
            case rescued
            /// A model that adapters were merged into.
            case merged
        }

        public var kind: Kind
        /// The file or folder.
        public var path: String
        public var bytes: Int
        /// When it was last used or written, in seconds since 1970.
        public var lastUse: Double
        /// True if a living process uses it.
        public var isUsed: Bool
        /// Its source, in words.
        public var description: String
    }

    /// Everything that is kept, by kind, the last used first.
    public func entries() -> [Entry] {
        tokens() + teachers() + digests() + unfinished() + rescued() + merged()
    }

    func names(_ folder: String) -> [String] {
        let path = root.appending(path: folder).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private func entry(
        _ kind: Entry.Kind, _ url: URL, lastUse: Double?, isUsed: Bool, _ description: String
    ) -> Entry {
        Entry(
            kind: kind, path: url.path(percentEncoded: false), bytes: Leftovers.size(of: url),
            lastUse: lastUse ?? Pruning.lastUse(of: url) ?? 0, isUsed: isUsed, description: description)
    }

    private func tokens() -> [Entry] {
        let folder = root.appending(path: CacheLeftovers.tokens)
        return names(CacheLeftovers.tokens).filter { $0.hasSuffix(".tokens") && !$0.hasPrefix(".") }.map {
            name in
            let url = folder.appending(path: name)
            return entry(
                .tokens, url, lastUse: nil, isUsed: Pruning.isUsed(url),
                TokenBuilder.summary(of: url) ?? "of another version, or damaged")
        }.sorted { ($1.lastUse, $0.path) < ($0.lastUse, $1.path) }
    }

    private func teachers() -> [Entry] {
        let folder = root.appending(path: CacheLeftovers.teachers)
        return names(CacheLeftovers.teachers).map { key in
            let url = folder.appending(path: key)
            let files = names("\(CacheLeftovers.teachers)/\(key)").map { url.appending(path: $0) }
            let segments = files.filter { FileSegment.isSegment($0) }
            let rows = segments.reduce(0) { $0 + (FileSegment.count(of: $1) ?? 0) }
            let source = try? JSONValue.load(contentsOf: url.appending(path: TeacherIdentity.sourceName))
            let teacher = try? JSONValue.load(contentsOf: url.appending(path: TeacherIdentity.fileName))
            let precision = teacher?.objectValue?["precision"]?.stringValue ?? "unknown precision"
            let directory = source?.objectValue?["directory"]?.stringValue ?? "unknown teacher"
            return entry(
                .teacherOutputs, url, lastUse: segments.compactMap { Pruning.lastUse(of: $0) }.max(),
                isUsed: Pruning.isUsed(url) || segments.contains { Pruning.isUsed($0) },
                "\(directory), \(precision): \(rows) outputs")
        }.sorted { ($1.lastUse, $0.path) < ($0.lastUse, $1.path) }
    }

    private func digests() -> [Entry] {
        let names = names(CacheLeftovers.digests).filter { !$0.hasPrefix(".") }
        guard !names.isEmpty else { return [] }
        let url = root.appending(path: CacheLeftovers.digests)
        let last = names.compactMap { Pruning.lastUse(of: url.appending(path: $0)) }.max()
        return [entry(.digests, url, lastUse: last, isUsed: false, "of \(names.count) large files")]
    }

    private func unfinished() -> [Entry] {
        CacheLeftovers.folders(root).flatMap { Leftovers.list($0) }.map { found in
            entry(
                .unfinished, found.url, lastUse: nil, isUsed: found.isOwned,
                found.isOwned ? "being written" : "left by a process that was killed")
        }
    }

    private func merged() -> [Entry] {
        mergedModels().map { url in
            let record = MergedRecord(contentsOf: url)
            return entry(
                .merged, url, lastUse: nil, isUsed: false,
                "a model that adapters were merged into"
                    + (record.map { ": \($0.adapters) with \($0.base)" } ?? ""))
        }
    }

    private func rescued() -> [Entry] {
        names("rescued").map { name in
            entry(
                .rescued, root.appending(path: "rescued/\(name)"), lastUse: nil, isUsed: false,
                "a model that could not be saved in its output directory; move it where you want it")
        }
    }
}

extension CacheContents {
    /// A file that does not hold what it should.
    public struct Problem: Sendable, Equatable, Codable {
        public var path: String
        public var reason: String
        /// True if it was removed.
        public var isRemoved = false
    }

    /// Reads everything through and compares it with its checksums and with its name.
    ///
    /// - Parameters:
    ///   - removing: Whether what is damaged is removed, unless a living process uses it.
    ///   - onProgress: Called with the number of files done, and of all.
    public func verify(removing: Bool = false, onProgress: (Int, Int) -> Void = { _, _ in }) -> [Problem] {
        let files = filesToVerify() + mergedModels()
        var problems: [Problem] = []
        for (done, file) in files.enumerated() {
            onProgress(done, files.count)
            if let reason = reason(file) {
                problems.append(
                    Problem(
                        path: file.path(percentEncoded: false), reason: reason,
                        isRemoved: removing && isRemovable(file) && remove(file).isGone))
            }
        }
        onProgress(files.count, files.count)
        return problems
    }

    private func filesToVerify() -> [URL] {
        CacheLeftovers.folders(root).filter { !isMergedFolder($0) }.flatMap { folder in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            return names.filter { !$0.hasPrefix(".") && $0 != "lock" && $0 != TeacherIdentity.sourceName }
                .sorted()
                .map { folder.appending(path: $0) }
        }
    }

    private func isMergedFolder(_ folder: URL) -> Bool { folder.lastPathComponent == MergedAdapter.folder }

    /// The directories of the models that adapters were merged into.
    private func mergedModels() -> [URL] {
        let folder = root.appending(path: MergedAdapter.folder)
        return names(MergedAdapter.folder).filter { !$0.hasPrefix(".") }.map { folder.appending(path: $0) }
    }

    /// Returns true if something can be removed as damaged: a directory only where one belongs.
    private func isRemovable(_ file: URL) -> Bool {
        isMergedFolder(file.deletingLastPathComponent()) || FileKind(file) != .directory
    }

    /// Returns the problem of a file, or of a merged model's directory; `nil` where there is none.
    private func reason(_ file: URL) -> String? {
        if isMergedFolder(file.deletingLastPathComponent()) { return MergedAdapter.problem(file) }
        let (name, folder) = (file.lastPathComponent, file.deletingLastPathComponent().lastPathComponent)
        do {
            switch file.pathExtension {
            case "tokens":
                _ = try TokenBuilder.open(
                    file, key: file.deletingPathExtension().lastPathComponent, maxLength: .max, isUsed: false)
            case FileSegment.fileExtension: try FileSegment.verify(file, teacher: folder)
            default:
                let text = try ChildProcess.text(file)
                if name == TeacherIdentity.fileName {
                    guard Digest.sha256(text) == folder else {
                        return "describes another teacher than its folder's name"
                    }
                } else if folder == CacheLeftovers.digests {
                    guard DigestMemo.path(ofMemo: text, named: name) != nil else {
                        return "is damaged, or another file's"
                    }
                } else {
                    return "is not a file of the cache"
                }
            }
            return nil
        } catch ChecksummedFile.Problem.damaged(let reason), ChecksummedFile.Problem.foreign(let reason) {
            return reason
        } catch {
            return "\(error)"
        }
    }
}
