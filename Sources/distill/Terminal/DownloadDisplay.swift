import Foundation
import Hub
import Synchronization

/// The bar of a download, on standard error.
final class DownloadDisplay: Sendable {
    private let isDrawn: Bool
    private let bar = Mutex(ProgressBar("Downloading"))

    init(isDrawn: Bool) { self.isDrawn = isDrawn }

    func show(_ event: HubEvent) {
        switch event {
        case .warning(let text):
            clear()
            Terminal.error("Warning: \(text)")
        case .progress(let progress):
            guard isDrawn else { return }
            bar.withLock { bar in
                guard bar.shouldDraw(isLast: progress.filesCompleted == progress.filesTotal) else { return }
                let size = "\(Format.bytes(progress.completed)) of \(Format.bytes(progress.total))"
                let files = "\(progress.filesCompleted)/\(progress.filesTotal) files"
                let share =
                    progress.total > 0
                    ? min(1, max(0, Double(progress.completed) / Double(progress.total))) : 1
                let filled = Int(share * 20)
                let cells = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
                let line = "\(bar.title)  \(cells)  \(size)  \(files)"
                Terminal.errorRaw("\r\u{1B}[K" + line.prefix(max(10, Terminal.width - 1)))
            }
        }
    }

    func clear() { if isDrawn { Terminal.errorRaw("\r\u{1B}[K") } }
}
