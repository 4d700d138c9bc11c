import Distillation
import Foundation

/// Shows a run on standard error while it goes on: a moving bar on a terminal, plain lines elsewhere.
final class RunRenderer {
    private let isInteractive: Bool
    private let isQuiet: Bool
    private let write: (String) -> Void
    private var bar: ProgressBar?
    private var isLineOpen = false
    private var lastPlainLine = Date()
    private(set) var warnings: [String] = []

    /// - Parameter write: Takes text as it is, escape codes and line ends included.
    init(isInteractive: Bool, isQuiet: Bool, write: @escaping (String) -> Void) {
        self.isInteractive = isInteractive
        self.isQuiet = isQuiet
        self.write = write
    }

    convenience init(quiet: Bool) {
        self.init(isInteractive: Terminal.isInteractive, isQuiet: quiet, write: Terminal.errorRaw)
    }

    func handle(_ event: RunEvent) {
        switch event {
        case .warning(let text):
            warnings.append(text)
            warn(text)
        case _ where isQuiet: return
        case .phaseStarted(let name):
            bar = ProgressBar(name)
            lastPlainLine = Date()
            if isInteractive { draw("\(name) …") } else { line("\(name) …") }
        case .phaseFinished(let name, let seconds):
            bar = nil
            line("\(name): \(String(format: "%.1f", seconds)) s")
        case .progress(let completed, let total, let unit, let detail):
            progress(completed, total, unit, detail)
        case .step(let metrics): if !isInteractive { plainStep(metrics) }
        case .evaluated(let metrics): line(Self.text(metrics))
        case .note(let text): line("  " + text)
        }
    }

    /// Repeats what must not be missed, below the closing table.
    func repeatWarnings() { for text in warnings { warn(text) } }

    private func progress(_ completed: Int, _ total: Int, _ unit: String, _ detail: String) {
        guard isInteractive, bar?.shouldDraw(isLast: completed == total) == true else { return }
        guard let bar else { return }
        draw(
            bar.line(
                completed: completed, total: total, unit: unit, detail: detail, width: Terminal.width))
    }

    /// A line of the present losses, at most every five seconds.
    private func plainStep(_ metrics: StepMetrics) {
        let now = Date()
        guard now.timeIntervalSince(lastPlainLine) >= 5 || metrics.step == metrics.totalSteps else { return }
        lastPlainLine = now
        line(Self.text(metrics))
    }

    private func warn(_ text: String) {
        let mark = isInteractive ? "\u{1B}[1;33mWARNING\u{1B}[0m" : "WARNING"
        line("\(text)\n", mark: "\n\(mark): ")
    }

    /// - Parameter mark: What stands before the text, with escape codes of its own.
    private func line(_ text: String, mark: String = "") {
        write((isLineOpen ? "\r\u{1B}[2K" : "") + mark + text.visible() + "\n")
        isLineOpen = false
    }

    private func draw(_ text: String) {
        write("\r\u{1B}[2K" + text.visible(keepingLines: false))
        isLineOpen = true
    }

    // MARK: - Text

    static func text(_ metrics: StepMetrics) -> String {
        let stage = metrics.stage.map { "  [\($0)]" } ?? ""
        return String(
            format: "  step %d/%d%@  epoch %.2f  loss %.4f", metrics.step, metrics.totalSteps, stage,
            metrics.epoch, metrics.loss)
            + terms(metrics.terms) + values(metrics.metrics)
            + String(
                format: "  lr %.2e  grad_norm %.2f  %.0f examples/s", metrics.learningRate, metrics.gradNorm,
                metrics.examplesPerSecond)
    }

    static func text(_ metrics: EpochMetrics) -> String {
        let stage = metrics.stage.map { "  [\($0)]" } ?? ""
        return String(
            format: "  epoch %.2f%@  train loss %.4f  validation:", metrics.epoch, stage, metrics.trainLoss)
            + values(metrics.validation) + (metrics.isBest ? "  (best)" : "")
    }

    /// The parts of a loss, where it has several.
    private static func terms(_ terms: NamedValues) -> String {
        guard terms.names.count > 1 else { return "" }
        return " (" + terms.map { "\($0.name) " + String(format: "%.4f", $0.value) }.joined(separator: ", ")
            + ")"
    }

    private static func values(_ values: MetricValues) -> String {
        values.entries.map { "  \($0.name.rawValue) " + String(format: "%.4f", $0.value) }.joined()
    }
}
