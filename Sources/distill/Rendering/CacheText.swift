import Distillation
import Foundation

/// The contents of a cache, for a terminal.
enum CacheText {
    static func list(_ entries: [CacheContents.Entry], root: URL, now: Date = Date()) -> String {
        let path = root.path(percentEncoded: false)
        guard !entries.isEmpty else { return "\(path): is empty." }
        return table(entries, now: now) + "\n\n\(path): " + sum(entries)
    }

    static func problems(_ problems: [CacheContents.Problem]) -> String {
        problems.isEmpty
            ? "Everything is as it was written."
            : problems.map { "\($0.path): \($0.reason)\($0.isRemoved ? "; removed" : "")" }.joined(
                separator: "\n")
    }

    static func pruned(_ report: CacheContents.PruneReport, isTrial: Bool, now: Date = Date()) -> String {
        var parts: [String] = []
        if !report.removed.isEmpty { parts.append(table(report.removed, now: now)) }
        for entry in report.kept {
            parts.append(
                "\(entry.path): \(entry.isUsed ? "is in use" : "could not be removed"), so it stays.")
        }
        let verb = isTrial ? "Would remove" : "Removed"
        parts.append(
            "\(verb) \(sum(report.removed)); \(Format.bytes(report.bytesAfter)) \(isTrial ? "would stay" : "stay")."
        )
        return parts.joined(separator: "\n\n")
    }

    private static func sum(_ entries: [CacheContents.Entry]) -> String {
        let bytes = Format.bytes(entries.reduce(0) { $0 + $1.bytes })
        return "\(entries.count) \(entries.count == 1 ? "entry" : "entries"), \(bytes)"
    }

    private static func table(_ entries: [CacheContents.Entry], now: Date) -> String {
        let rows = entries.map { entry in
            [
                entry.kind.rawValue.replacing("_", with: " "), Format.bytes(entry.bytes),
                age(now.timeIntervalSince1970 - entry.lastUse) + (entry.isUsed ? ", in use" : ""),
                entry.description,
            ]
        }
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = (0..<3).map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 1 ? space + row[column] : row[column] + space
            }
            return (cells + [row[3]]).joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// The time since an event, in the largest unit that fits.
    static func age(_ seconds: Double) -> String {
        let units: [(Double, String)] = [(86_400, "day"), (3600, "hour"), (60, "minute")]
        guard seconds.isFinite, let (length, name) = units.first(where: { seconds >= $0.0 }) else {
            return "now"
        }
        let count = Int(min(seconds / length, 1e6))
        return "\(count) \(name)\(count == 1 ? "" : "s") ago"
    }

    /// A number with a unit, such as "1.5GB", in the unit of 1.
    ///
    /// - Returns: `nil` for anything else, and for numbers that are negative.
    static func amount(_ text: String, units: [String: Double]) -> Double? {
        let lower = text.trimmingCharacters(in: .whitespaces).lowercased()
        let unit = String(lower.reversed().prefix { $0.isLetter }.reversed())
        let digits = lower.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
        guard let number = Double(digits), number.isFinite, number >= 0, let factor = units[unit] else {
            return nil
        }
        return number * factor
    }
}
