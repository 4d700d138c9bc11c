import Foundation
import HubStore

/// The bars of a download as text: one for each file in progress, then one for all.
struct DownloadBars {
    private struct File {
        let name: String
        var completed: Int
        var total: Int
    }

    private var running: [File] = []
    private(set) var last: HubProgress?
    /// The bytes that were there before this program began to fetch.
    private var before: Int?
    private(set) var speed: Speed
    private let start: Date

    init(start: Date = Date()) {
        self.start = start
        speed = Speed(start: start)
    }

    /// Records the progress.
    mutating func take(_ progress: HubProgress, at now: Date = Date()) {
        // The bytes of an earlier attempt were not fetched now.
        if before == nil { before = progress.completed }
        speed.count(max(0, progress.completed - (before ?? 0)), at: now)
        last = progress
        let index = running.firstIndex { $0.name == progress.file }
        if progress.isFileDone {
            if let index { running.remove(at: index) }
        } else if let index {
            running[index].completed = progress.fileCompleted
            running[index].total = progress.fileTotal
        } else {
            running.append(
                File(name: progress.file, completed: progress.fileCompleted, total: progress.fileTotal))
        }
    }

    /// The lines, each shorter than the terminal is wide; the last is the whole download's.
    ///
    /// - Parameter width: The terminal's columns.
    func lines(width: Int, now: Date = Date()) -> [String] {
        guard let last else { return [] }
        // One file alone is the whole.
        let files = last.filesTotal > 1 ? running : []
        let room = max(12, min(40, width / 3))
        let title = Self.padded("Downloading", files.isEmpty ? 11 : room)
        let numbers = [
            speed.now(now).map(Self.rate) ?? "",
            "\(Format.bytes(last.completed)) of \(Format.bytes(last.total))",
            "\(last.filesCompleted)/\(last.filesTotal) files",
        ].filter { !$0.isEmpty }.joined(separator: "  ")
        let whole = "\(title)  \(Self.bar(last.completed, last.total))  \(numbers)"
        let own = files.map { file in
            let size = file.total > 0 ? " of \(Format.bytes(file.total))" : ""
            return "\(Self.padded(file.name, room))  \(Self.bar(file.completed, file.total))  "
                + "\(Format.bytes(file.completed))\(size)"
        }
        return (own + [whole]).map { TextWidth.prefix($0, columns: max(10, width - 1)) }
    }

    /// The whole download as it is now, in a line.
    func plainLine(now: Date = Date()) -> String {
        guard let last else { return "" }
        let seconds = now.timeIntervalSince(start)
        let isDone = last.filesCompleted == last.filesTotal
        let rate = (isDone ? nil : speed.now(now)) ?? speed.mean(seconds: seconds)
        return (isDone ? "Downloaded  " : "Downloading  ")
            + "\(Format.bytes(last.completed)) of \(Format.bytes(last.total))  \(Self.rate(rate ?? 0))  "
            + "\(last.filesCompleted)/\(last.filesTotal) files"
    }

    /// "12.3 MB/s".
    static func rate(_ bytes: Double) -> String { Format.bytes(Int(exactly: bytes.rounded()) ?? 0) + "/s" }

    private static func bar(_ completed: Int, _ total: Int) -> String {
        let fraction = total > 0 ? min(1, max(0, Double(completed) / Double(total))) : 1
        let filled = Int(fraction * 20)
        return String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    }

    /// The name in so many columns: of a long one its end, which distinguishes it from its neighbors.
    private static func padded(_ name: String, _ room: Int) -> String {
        let safe = name.visible(keepingLines: false)
        let cut = TextWidth.suffix(safe, columns: room)
        return cut + String(repeating: " ", count: max(0, room - TextWidth.columns(cut)))
    }
}
