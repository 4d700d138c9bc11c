import Hub

/// The bars of a download as text: one for each file that is on its way, then one for all.
struct DownloadBars {
    private struct File {
        let name: String
        var completed: Int
        var total: Int
    }

    private var running: [File] = []
    private var last: HubProgress?

    /// Takes note of what has come.
    mutating func take(_ progress: HubProgress) {
        last = progress
        let place = running.firstIndex { $0.name == progress.file }
        if progress.isFileDone {
            if let place { running.remove(at: place) }
        } else if let place {
            running[place].completed = progress.fileCompleted
            running[place].total = progress.fileTotal
        } else {
            running.append(
                File(name: progress.file, completed: progress.fileCompleted, total: progress.fileTotal))
        }
    }

    /// The lines, each shorter than the terminal is wide; the last is the whole download's.
    ///
    /// - Parameter width: The terminal's columns.
    func lines(width: Int) -> [String] {
        guard let last else { return [] }
        // One file alone is the whole.
        let files = last.filesTotal > 1 ? running : []
        let room = max(12, min(40, width / 3))
        let title = Self.padded("Downloading", files.isEmpty ? 11 : room)
        let whole =
            "\(title)  \(Self.bar(last.completed, last.total))  \(Format.bytes(last.completed)) of "
            + "\(Format.bytes(last.total))  \(last.filesCompleted)/\(last.filesTotal) files"
        let own = files.map { file in
            let size = file.total > 0 ? " of \(Format.bytes(file.total))" : ""
            return "\(Self.padded(file.name, room))  \(Self.bar(file.completed, file.total))  "
                + "\(Format.bytes(file.completed))\(size)"
        }
        return (own + [whole]).map { String($0.prefix(max(10, width - 1))) }
    }

    private static func bar(_ completed: Int, _ total: Int) -> String {
        let share = total > 0 ? min(1, max(0, Double(completed) / Double(total))) : 1
        let filled = Int(share * 20)
        return String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    }

    /// The name in so many columns: of a long one its end, which tells it from its neighbours.
    private static func padded(_ name: String, _ room: Int) -> String {
        let safe = name.visible(keepingLines: false)
        return safe.count > room
            ? "…" + safe.suffix(room - 1) : safe + String(repeating: " ", count: room - safe.count)
    }
}
