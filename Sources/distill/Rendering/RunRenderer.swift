import Distillation
import Foundation

/// Shows a run on standard error while it goes on: a moving bar on a terminal, plain lines elsewhere.
final class RunRenderer {
    private let isInteractive: Bool
    private let isQuiet: Bool
    private let write: (String) -> Void
    private var bar: ProgressBar?
    /// What the present phase counts, in the singular.
    private var counted = "example"
    private var isLineOpen = false
    private var lastPlainLine = Date()
    private let width: () -> Int
    private let plainInterval: Double
    private(set) var warnings: [String] = []

    /// - Parameters:
    ///   - width: The terminal's columns.
    ///   - plainInterval: Seconds between two lines of progress where no line can move.
    ///   - write: Takes text as it is, escape codes and line ends included.
    init(
        isInteractive: Bool, isQuiet: Bool, width: @escaping () -> Int = { Terminal.width },
        plainInterval: Double = 5, write: @escaping (String) -> Void
    ) {
        self.isInteractive = isInteractive
        self.isQuiet = isQuiet
        self.width = width
        self.plainInterval = plainInterval
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
            counted = "example"
            lastPlainLine = Date()
            if isInteractive { draw("\(name) …") } else { line("\(name) …") }
        case .phaseFinished(let name, let seconds):
            let whole = bar.flatMap { Self.whole($0.speed, counted, seconds) } ?? ""
            bar = nil
            line("\(name): \(String(format: "%.1f", seconds)) s" + whole)
        case .progress(let progress): show(progress)
        case .step(let metrics): if !isInteractive { plainStep(metrics) }
        case .evaluated(let metrics):
            let fields = Self.fields(metrics)
            // Elsewhere than on a terminal, a reader of the lines wants one for each evaluation.
            let lines =
                isInteractive
                ? TextWidth.lines(
                    fields, columns: max(10, width() - 1), indent: width() < 60 ? "    " : "             ")
                : [fields.joined(separator: "  ")]
            for text in lines { line(text) }
        case .note(let text): line("  " + text)
        }
    }

    /// Repeats what must not be missed, below the closing table.
    func repeatWarnings() { for text in warnings { warn(text) } }

    private func show(_ progress: RunProgress) {
        bar?.take(progress)
        counted = progress.counted
        guard let bar else { return }
        if isInteractive {
            guard self.bar?.shouldDraw(isLast: progress.completed == progress.total) == true else { return }
            draw(bar.line(progress, width: width()))
        } else if progress.unit != "step", isPlainLineDue {
            // Steps have lines of their own, with the losses.
            line("  " + bar.plainLine(progress))
        }
    }

    /// A line of the present losses, at most every five seconds.
    private func plainStep(_ metrics: StepMetrics) {
        guard isPlainLineDue || metrics.step == metrics.totalSteps else { return }
        line(Self.text(metrics))
    }

    private var isPlainLineDue: Bool {
        let now = Date()
        guard now.timeIntervalSince(lastPlainLine) >= plainInterval else { return false }
        lastPlainLine = now
        return true
    }

    private func warn(_ text: String) {
        let mark = isInteractive ? "\u{1B}[1;33mWARNING\u{1B}[0m" : "WARNING"
        line("\(text)\n", mark: "\n\(mark): ")
    }

    /// - Parameter mark: A prefix of the text, with escape codes of its own.
    private func line(_ text: String, mark: String = "") {
        write((isLineOpen ? "\r\u{1B}[2K" : "") + mark + text.visible() + "\n")
        isLineOpen = false
    }

    private func draw(_ text: String) {
        write("\r\u{1B}[2K" + text.visible(keepingLines: false))
        isLineOpen = true
    }

    // MARK: - Text

    /// "  (6568 examples, 810/s)": what went through a phase; `nil` where nothing was counted.
    private static func whole(_ speed: Speed, _ unit: String, _ seconds: Double) -> String? {
        speed.mean(seconds: seconds).map { rate in
            "  (\(Format.count(speed.total, unit)), "
                + String(format: rate < 100 ? "%.1f/s)" : "%.0f/s)", rate)
        }
    }

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

    /// An evaluation as fields with two spaces between them.
    static func fields(_ metrics: EpochMetrics) -> [String] {
        var fields = [String(format: "  epoch %.2f", metrics.epoch)]
        if let stage = metrics.stage { fields.append("[\(stage)]") }
        fields.append(String(format: "train loss %.4f", metrics.trainLoss))
        if let speed = metrics.examplesPerSecond { fields.append(ProgressBar.rate(speed)) }
        let values = metrics.validation.entries.map {
            "\($0.name.rawValue) " + ReportText.number($0.value)
        }
        // The word belongs to what follows it.
        fields.append((["validation:"] + values.prefix(1)).joined(separator: "  "))
        return fields + values.dropFirst() + (metrics.isBest ? ["(best)"] : [])
    }

    /// The parts of a loss, where it has several.
    private static func terms(_ terms: NamedValues) -> String {
        guard terms.names.count > 1 else { return "" }
        return " (" + terms.map { "\($0.name) " + String(format: "%.4f", $0.value) }.joined(separator: ", ")
            + ")"
    }

    private static func values(_ values: MetricValues) -> String {
        values.entries.map { "  \($0.name.rawValue) " + ReportText.number($0.value) }.joined()
    }
}
