import Files
import Foundation

/// The data that a run keeps for later runs, and their location.
public struct CacheOptions: Sendable, Equatable {
    /// The directory; `nil` for `$DISTILL_CACHE`, else `distill` in `$XDG_CACHE_HOME` or `~/.cache`.
    public var directory: URL?
    /// True if a teacher's outputs are kept.
    public var teacherOutputs = true
    /// True if tokenized data are kept.
    public var data = true

    public init() {}

    /// The directory of the cache.
    public var root: URL { Self.root(directory, environment: ProcessInfo.processInfo.environment) }

    static func root(_ directory: URL?, environment: [String: String]) -> URL {
        func path(_ name: String) -> URL? {
            environment[name].flatMap { $0.isEmpty ? nil : URL(filePath: $0, directoryHint: .isDirectory) }
        }
        return directory ?? path("DISTILL_CACHE")
            ?? (path("XDG_CACHE_HOME")
            ?? URL(filePath: NSHomeDirectory()).appending(path: ".cache")).appending(path: "distill")
    }
}

/// Makes a directory of the cache, with those above it.
///
/// - Throws: `FileError`.
func makeCacheDirectory(_ url: URL) throws {
    do { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) } catch {
        throw FileError.writeFailed(url.path, reason: (error as NSError).localizedDescription)
    }
}
