import Distillation
import Foundation

/// The line that moves while a part of a run goes on.
struct ProgressBar {
    let title: String
    private let start: Date
    private var lastDraw = Date.distantPast
    private(set) var speed: Speed

    init(_ title: String, start: Date = Date()) {
        self.title = title
        self.start = start
        speed = Speed(start: start)
    }

    /// Records the progress.
    mutating func take(_ progress: RunProgress, at now: Date = Date()) {
        speed.count(progress.examples, at: now)
    }

    /// Returns true if enough time has passed to draw again: ten times a second is enough for an eye.
    mutating func shouldDraw(at now: Date = Date(), isLast: Bool) -> Bool {
        guard isLast || now.timeIntervalSince(lastDraw) >= 0.1 else { return false }
        lastDraw = now
        return true
    }

    /// The line, narrower than the terminal. Parts without room are left out: first the last of the losses, then the bar,
    /// the time left, the counts; the speed stays longest.
    func line(_ progress: RunProgress, width: Int, hasBar: Bool = true, now: Date = Date()) -> String {
        let room = max(10, width - 1)
        let fraction = progress.total.map { $0 > 0 ? min(1, Double(progress.completed) / Double($0)) : 0 }
        let rate = Self.rate(speed.now(now), of: progress.counted)
        var (left, bar) = ("", "")
        if let total = progress.total, let fraction, fraction > 0 {
            let seconds = now.timeIntervalSince(start)
            let rest = seconds / Double(progress.completed) * Double(max(0, total - progress.completed))
            if seconds > 0.2 { left = "\(Format.duration(rest)) left" }
        }
        let percent = fraction.map { String(format: "%3.0f %%", ($0 * 100).rounded(.down)) } ?? ""
        let count =
            progress.total.map { "\(progress.completed)/\($0)" }
            ?? Format.count(progress.completed, progress.unit)
        var details = progress.detail.components(separatedBy: "  ").filter { !$0.isEmpty }
        func text(_ parts: [String]) -> String { parts.filter { !$0.isEmpty }.joined(separator: "  ") }
        func whole(_ bar: String) -> String { text([title, bar, percent, count, rate, left] + details) }
        if let fraction, hasBar {
            // The bar takes the room that the numbers leave.
            while !details.isEmpty, TextWidth.columns(whole("    ")) > room { details.removeLast() }
            let cells = min(20, room - TextWidth.columns(whole("")) - 2)
            if cells >= 4 { bar = Self.bar(fraction, cells) }
        }
        while !details.isEmpty, TextWidth.columns(whole(bar)) > room { details.removeLast() }
        let shorter = [
            whole(bar), text([title, percent, count, rate, left]), text([title, percent, count, rate]),
            text([title, percent, rate]), text([title, rate]), text([rate]),
        ]
        return TextWidth.prefix(
            shorter.first { TextWidth.columns($0) <= room } ?? shorter[shorter.count - 1], columns: room)
    }

    /// The line where no terminal is: all of it.
    func plainLine(_ progress: RunProgress, now: Date = Date()) -> String {
        line(progress, width: .max, hasBar: false, now: now)
    }

    /// "113 examples/s"; nothing where no speed is known.
    static func rate(_ value: Double?, of unit: String = "example") -> String {
        guard let value else { return "" }
        return String(format: value < 100 ? "%.1f " : "%.0f ", value) + unit + "s/s"
    }

    static func bar(_ fraction: Double, _ cells: Int) -> String {
        let filled = Int(min(1, max(0, fraction)) * Double(cells))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    }
}
