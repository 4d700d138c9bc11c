import Files
import Foundation

extension CacheContents {
    /// The rule for what is removed.
    public struct PruneRule: Sendable, Equatable {
        /// Removes what was last used more than so many seconds ago.
        public var olderThan: Double?
        /// Removes what was used longest ago, until the rest has no more bytes than this.
        public var maximumBytes: Int?
        /// Everything.
        public var all = false

        public init(olderThan: Double? = nil, maximumBytes: Int? = nil, all: Bool = false) {
            (self.olderThan, self.maximumBytes, self.all) = (olderThan, maximumBytes, all)
        }
    }

    /// The entries that were removed, or would be.
    public struct PruneReport: Sendable, Equatable, Codable {
        public var removed: [Entry] = []
        /// The entries that should have been removed, but are in use by a living process or could not be removed.
        public var kept: [Entry] = []
        /// Bytes before and after.
        public var bytesBefore = 0
        public var bytesAfter = 0
    }

    /// Removes what a rule names, and what killed processes left. Nothing that a living process uses is removed, nor a rescued
    /// model, which could not be made again from other files.
    ///
    /// - Parameters:
    ///   - rule: What goes.
    ///   - isTrial: Whether only to say what would go.
    ///   - now: In seconds since 1970.
    public func prune(
        _ rule: PruneRule, isTrial: Bool = false, now: Double = Date().timeIntervalSince1970
    ) -> PruneReport {
        let all = entries().filter { $0.kind != .rescued }
        var report = PruneReport(bytesBefore: all.reduce(0) { $0 + $1.bytes })
        var chosen: [Entry] = []
        var rest = report.bytesBefore
        // What was used longest ago goes first.
        for entry in all.sorted(by: { ($0.lastUse, $0.path) < ($1.lastUse, $1.path) }) {
            let isOld = rule.olderThan.map { now - entry.lastUse > $0 } ?? false
            let isTooMuch = rule.maximumBytes.map { rest > $0 } ?? false
            let isDead = entry.kind == .unfinished && !entry.isUsed
            guard rule.all || isOld || isTooMuch || isDead else { continue }
            chosen.append(entry)
            if !entry.isUsed { rest -= entry.bytes }
        }
        report.bytesAfter = report.bytesBefore
        for entry in chosen {
            let bytes =
                entry.isUsed ? 0 : isTrial ? entry.bytes : remove(URL(filePath: entry.path)).bytes
            report.bytesAfter -= bytes
            if bytes > 0 || (!entry.isUsed && entry.bytes == 0) {
                report.removed.append(entry)
            } else {
                report.kept.append(entry)
            }
        }
        return report
    }

    /// Removes a file or a directory of the cache, but for what a living process uses of it.
    ///
    /// - Returns: The bytes that are free now, and whether nothing is left of it.
    func remove(_ url: URL) -> (bytes: Int, isGone: Bool) {
        guard FileKind(url) != .directory else {
            let bytes = Pruning.removeDirectory(url)
            return (bytes, FileKind(url) == .missing)
        }
        let bytes = Leftovers.size(of: url)
        return Pruning.remove(url) ? (bytes, true) : (0, false)
    }
}
