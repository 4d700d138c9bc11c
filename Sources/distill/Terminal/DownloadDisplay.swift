import Foundation
import HubStore
import Synchronization

/// A download on standard error: bars on a terminal, one for each file and one for all; plain lines elsewhere.
final class DownloadDisplay: Sendable {
    private struct State {
        var bars = DownloadBars()
        var clock = ProgressBar("")
        /// The lines that are on the screen.
        var drawn = 0
        var lastPlainLine = Date()
    }

    private enum Style { case bars, lines, nothing }

    private let style: Style
    private let state = Mutex(State())

    /// Seconds between two lines where no bar can move.
    private static let plainInterval = 5.0

    /// - Parameter quiet: True if only warnings are shown.
    init(quiet: Bool) {
        style = quiet || Terminal.isQuiet ? .nothing : Terminal.isInteractive ? .bars : .lines
    }

    func show(_ event: HubEvent) {
        switch event {
        case .warning(let text):
            clear()
            Terminal.error("Warning: \(text)")
        case .progress(let progress):
            state.withLock { state in
                state.bars.take(progress)
                let isLast = progress.filesCompleted == progress.filesTotal
                switch style {
                case .nothing: break
                case .bars:
                    guard state.clock.shouldDraw(isLast: isLast) else { return }
                    let lines = state.bars.lines(width: Terminal.width)
                    Terminal.errorRaw(Self.back(state.drawn) + lines.joined(separator: "\n"))
                    state.drawn = lines.count
                case .lines:
                    let now = Date()
                    guard isLast || now.timeIntervalSince(state.lastPlainLine) >= Self.plainInterval else {
                        return
                    }
                    state.lastPlainLine = now
                    Terminal.error(state.bars.plainLine())
                }
            }
        }
    }

    func clear() {
        guard style == .bars else { return }
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
