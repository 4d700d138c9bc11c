import Foundation

extension BenchmarkReport {
    /// The latency by length as an SVG document, and, where there were labelled data, how good each model is beside how
    /// fast: no scripts, and no fonts but the reader's own.
    public var svg: String {
        var chart = BenchmarkChart(self)
        return chart.document()
    }

    /// The task's own metric of a model.
    ///
    /// - Returns: Accuracy, micro F1 or Pearson's correlation, with its name; `nil` where it was not judged.
    public static func taskMetric(_ model: Model) -> (name: MetricName, value: Double)? {
        let names: [MetricName] = [.microF1, .accuracy, .pearson]
        return names.lazy.compactMap { name in model.metrics?[name].map { (name, $0) } }.first
    }
}

/// Draws a report. Lengths are in pixels.
private struct BenchmarkChart {
    let report: BenchmarkReport
    private var body: [String] = []
    private let top = 96.0
    private let plotWidth = 400.0
    private let plotHeight = 300.0
    private static let colors = [
        "#1b6ca8", "#c8553d", "#3a7d44", "#8e4585", "#b8860b", "#4a5568", "#0f8b8d", "#a23b72",
    ]

    init(_ report: BenchmarkReport) { self.report = report }

    /// The cells of the smallest batch, by length.
    private var cells: [BenchmarkReport.Cell] {
        let batch = report.cells.map(\.batch).min() ?? 1
        return report.cells.filter { $0.batch == batch }.sorted { $0.length < $1.length }
    }

    mutating func document() -> String {
        let batch = cells.first?.batch ?? 1
        text("Latency by length", x: 24, y: 34, size: 19, anchor: "start", weight: "600")
        text(
            "batches of \(batch), median with 95th percentile, \(report.settings.threads) threads, "
                + report.machine.processor, x: 24, y: 56, size: 12, anchor: "start", fill: Self.muted)
        latency(left: 76)
        let judged = report.models.contains { BenchmarkReport.taskMetric($0) != nil }
        var width = 76 + plotWidth + 24
        if judged {
            quality(left: width + 76)
            width += 76 + plotWidth + 24
        }
        legend(left: width, count: report.models.count)
        width += 32 + (report.models.map { Self.width(Self.shortened($0.name), 13) }.max() ?? 0) + 24
        let height = max(top + plotHeight + 64, top + 20 * Double(report.models.count) + 40)
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
            width="\(Self.number(width))" height="\(Self.number(height))" role="img" aria-label="Latency by length" \
            font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
            <rect width="100%" height="100%" fill="#ffffff"/>

            """ + body.joined(separator: "\n") + "\n</svg>\n"
    }

    // MARK: - Panels

    private mutating func latency(left: Double) {
        let timings = cells.flatMap(\.results).map(\.timing)
        let scale = LogScale(timings.flatMap { [$0.p50Milliseconds, $0.p95Milliseconds] })
        let count = cells.count
        func x(_ index: Int) -> Double { left + plotWidth * (Double(index) + 0.5) / Double(max(1, count)) }
        frame(left: left, scale, title: "milliseconds")
        for (index, cell) in cells.enumerated() {
            text(String(cell.length), x: x(index), y: top + plotHeight + 20, size: 12)
        }
        text("tokens", x: left + plotWidth / 2, y: top + plotHeight + 44, size: 13, weight: "600")
        for model in report.models.indices {
            let color = Self.colors[model % Self.colors.count]
            let points = cells.enumerated().map { index, cell in
                (x: x(index), timing: cell.results[model].timing)
            }
            let path = points.map {
                "\(Self.number($0.x)),\(Self.number(y($0.timing.p50Milliseconds, scale)))"
            }
            body.append(
                "<polyline points=\"\(path.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\"/>"
            )
            for point in points {
                let (low, high) = (
                    y(point.timing.p50Milliseconds, scale), y(point.timing.p95Milliseconds, scale)
                )
                line(point.x, low, point.x, high, color)
                line(point.x - 4, high, point.x + 4, high, color)
                let label =
                    "\(report.models[model].name): p50 \(Self.short(point.timing.p50Milliseconds)) ms, "
                    + "p95 \(Self.short(point.timing.p95Milliseconds)) ms"
                dot(point.x, low, color, label)
            }
        }
    }

    /// How good each model is beside its latency at the middle length.
    private mutating func quality(left: Double) {
        guard !cells.isEmpty else { return }
        let cell = cells[cells.count / 2]
        let judged = report.models.indices.compactMap { index in
            BenchmarkReport.taskMetric(report.models[index]).map { (index: index, metric: $0) }
        }
        let values = judged.map(\.metric.value)
        guard let low = values.min(), let high = values.max(), let name = judged.first?.metric.name else {
            return
        }
        let margin = max((high - low) * 0.15, 0.005)
        let range = (low - margin)...(high + margin)
        let scale = LogScale(cell.results.map(\.timing.p50Milliseconds))
        body.append(
            "<rect x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(plotWidth))\" "
                + "height=\"\(Self.number(plotHeight))\" fill=\"none\" stroke=\"#d7d7dc\"/>")
        for step in 0...4 {
            let value = range.lowerBound + (range.upperBound - range.lowerBound) * Double(step) / 4
            let y = top + plotHeight * (1 - Double(step) / 4)
            line(left, y, left + plotWidth, y, "#ececf0")
            text(String(format: "%.3f", value), x: left - 8, y: y + 4, size: 12, anchor: "end")
        }
        for mark in scale.marks {
            let x = left + plotWidth * scale.place(mark)
            line(x, top, x, top + plotHeight, "#ececf0")
            text(Self.short(mark), x: x, y: top + plotHeight + 20, size: 12)
        }
        text(
            name.rawValue.replacing("_", with: " "), x: left, y: top - 12, size: 13, anchor: "start",
            weight: "600")
        text(
            "milliseconds at \(cell.length) tokens", x: left + plotWidth / 2, y: top + plotHeight + 44,
            size: 13,
            weight: "600")
        for (index, metric) in judged {
            let time = cell.results[index].timing.p50Milliseconds
            let share = (metric.value - range.lowerBound) / (range.upperBound - range.lowerBound)
            let label =
                "\(report.models[index].name): \(String(format: "%.4f", metric.value)), \(Self.short(time)) ms"
            dot(
                left + plotWidth * scale.place(time), top + plotHeight * (1 - share),
                Self.colors[index % Self.colors.count], label, radius: 6)
        }
    }

    private mutating func legend(left: Double, count: Int) {
        for index in 0..<count {
            let y = top + 8 + 20 * Double(index)
            dot(left + 8, y, Self.colors[index % Self.colors.count], report.models[index].name)
            text(
                Self.shortened(report.models[index].name), x: left + 22, y: y + 4.5, size: 13, anchor: "start"
            )
        }
    }

    private mutating func frame(left: Double, _ scale: LogScale, title: String) {
        body.append(
            "<rect x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(plotWidth))\" "
                + "height=\"\(Self.number(plotHeight))\" fill=\"none\" stroke=\"#d7d7dc\"/>")
        for mark in scale.marks {
            let y = y(mark, scale)
            line(left, y, left + plotWidth, y, "#ececf0")
            text(Self.short(mark), x: left - 8, y: y + 4, size: 12, anchor: "end")
        }
        text(title, x: left, y: top - 12, size: 13, anchor: "start", weight: "600")
    }

    // MARK: - Pieces

    private func y(_ value: Double, _ scale: LogScale) -> Double {
        top + plotHeight * (1 - scale.place(value))
    }

    private mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String) {
        body.append(
            "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" "
                + "y2=\"\(Self.number(y2))\" stroke=\"\(color)\"/>")
    }

    private mutating func dot(_ x: Double, _ y: Double, _ color: String, _ label: String, radius: Double = 4)
    {
        body.append(
            "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\" fill=\"\(color)\">"
                + "<title>\(Self.escaped(label))</title></circle>")
    }

    private mutating func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: String = "middle",
        fill: String = "#1c1c22",
        weight: String? = nil
    ) {
        let bold = weight.map { " font-weight=\"\($0)\"" } ?? ""
        body.append(
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" "
                + "text-anchor=\"\(anchor)\" fill=\"\(fill)\"\(bold)>\(Self.escaped(text))</text>")
    }

    private static let muted = "#5c5c66"

    private static func number(_ value: Double) -> String {
        String(format: "%g", (value * 100).rounded() / 100)
    }

    private static func short(_ value: Double) -> String { String(format: "%.3g", value) }

    private static func width(_ text: String, _ size: Double) -> Double { Double(text.count) * size * 0.58 }

    private static func shortened(_ text: String) -> String {
        text.count > 40 ? "…" + text.suffix(39) : text
    }

    private static func escaped(_ text: String) -> String {
        let kept = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? Unicode.Scalar(0x20) : $0 }))
        return kept.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}

/// Places of positive numbers on a logarithmic axis.
private struct LogScale {
    private let low: Double
    private let high: Double

    init(_ values: [Double]) {
        let positive = values.filter { $0 > 1e-150 && $0 < 1e150 }
        let (least, most) = (positive.min() ?? 1, positive.max() ?? 1)
        let margin = max(log10(most / least) * 0.06, 0.05)
        low = log10(least) - margin
        high = log10(most) + margin
    }

    /// From 0 at the lower end to 1 at the upper.
    func place(_ value: Double) -> Double {
        min(1, max(0, (log10(max(value, 1e-12)) - low) / (high - low)))
    }

    /// 1, 2 and 5 times the powers of ten within, or, where these are fewer than two, five places evenly spread.
    var marks: [Double] {
        let round = (Int(low.rounded(.down))...Int(high.rounded(.up))).flatMap { power in
            [1.0, 2, 5].map { $0 * pow(10, Double(power)) }
        }.filter { log10($0) >= low && log10($0) <= high }
        return round.count >= 2 ? round : (0...4).map { pow(10, low + (high - low) * Double($0) / 4) }
    }
}
