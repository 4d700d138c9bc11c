import Foundation

/// The line that moves while a part of a run goes on.
struct ProgressBar {
    let title: String
    private let start: Date
    private var lastDraw = Date.distantPast

    init(_ title: String, start: Date = Date()) {
        self.title = title
        self.start = start
    }

    /// Whether enough time has passed to draw again: ten times a second is enough for an eye.
    mutating func shouldDraw(at now: Date = Date(), isLast: Bool) -> Bool {
        guard isLast || now.timeIntervalSince(lastDraw) >= 0.1 else { return false }
        lastDraw = now
        return true
    }

    /// The line, no wider than the terminal.
    func line(completed: Int, total: Int, unit: String, detail: String, width: Int, now: Date = Date())
        -> String
    {
        let share = total > 0 ? min(1, Double(completed) / Double(total)) : 0
        let seconds = now.timeIntervalSince(start)
        var parts = [String(format: "%3.0f %%", (share * 100).rounded(.down)), "\(completed)/\(total)"]
        if completed > 0, seconds > 0.2 {
            let rate = Double(completed) / seconds
            parts.append(String(format: rate < 100 ? "%.1f %@s/s" : "%.0f %@s/s", rate, unit))
            parts.append("\(Format.duration(Double(total - completed) / rate)) left")
        }
        if !detail.isEmpty { parts.append(detail) }
        let text = parts.joined(separator: "  ")
        // The bar takes the room that the numbers leave.
        let cells = min(20, max(4, width - 1 - title.count - text.count - 4))
        let filled = Int(share * Double(cells))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
        return String("\(title)  \(bar)  \(text)".prefix(max(10, width - 1)))
    }
}
