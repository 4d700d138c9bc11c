import Files
import Foundation
import Synchronization

/// The folders of a cache, and the files that killed processes left in them.
enum CacheLeftovers {
    static let tokens = "tokens"
    static let teachers = "teachers"
    static let digests = "digests"

    /// Caches that this process has already cleaned.
    private static let seen = Mutex<Set<String>>([])

    /// Removes leftovers that no process owns; once for each cache.
    static func remove(in root: URL) -> [Leftovers.Removed] {
        guard seen.withLock({ $0.insert(root.path).inserted }) else { return [] }
        return folders(root).compactMap { Leftovers.remove(in: $0) }
    }

    /// Every folder in which files are written.
    static func folders(_ root: URL) -> [URL] {
        let teachers = root.appending(path: teachers)
        let keys = (try? FileManager.default.contentsOfDirectory(atPath: teachers.path)) ?? []
        return [tokens, digests, MergedAdapter.folder].map { root.appending(path: $0) }
            + keys.sorted().map { teachers.appending(path: $0) }
    }
}
