import Foundation
import Hub
import Synchronization

/// The bars of a download, on standard error: one for each file, and one for all.
final class DownloadDisplay: Sendable {
    private struct State {
        var bars = DownloadBars()
        var clock = ProgressBar("")
        /// The lines that stand on the screen.
        var drawn = 0
    }

    private let isDrawn: Bool
    private let state = Mutex(State())

    init(isDrawn: Bool) { self.isDrawn = isDrawn }

    func show(_ event: HubEvent) {
        switch event {
        case .warning(let text):
            clear()
            Terminal.error("Warning: \(text)")
        case .progress(let progress):
            guard isDrawn else { return }
            state.withLock { state in
                state.bars.take(progress)
                let isLast = progress.filesCompleted == progress.filesTotal
                guard state.clock.shouldDraw(isLast: isLast) else { return }
                let lines = state.bars.lines(width: Terminal.width)
                Terminal.errorRaw(Self.back(state.drawn) + lines.joined(separator: "\n"))
                state.drawn = lines.count
            }
        }
    }

    func clear() {
        guard isDrawn else { return }
        state.withLock { state in
            Terminal.errorRaw(Self.back(state.drawn))
            state.drawn = 0
        }
    }

    /// Goes back to where the lines begin, and clears them.
    private static func back(_ lines: Int) -> String {
        "\r" + (lines > 1 ? "\u{1B}[\(lines - 1)A" : "") + "\u{1B}[J"
    }
}
