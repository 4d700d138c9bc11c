import Foundation

/// Draws a benchmark. Lengths are in pixels.
struct BenchmarkDrawing {
    private let chart: BenchmarkChart
    private var svg = SVGBuilder.file()
    private let top = 96.0
    private let plotWidth = 400.0
    private let plotHeight = 300.0
    private static let colors = [
        "#1b6ca8", "#c8553d", "#3a7d44", "#8e4585", "#b8860b", "#4a5568", "#0f8b8d", "#a23b72",
    ]

    init(_ chart: BenchmarkChart) { self.chart = chart }

    mutating func file() -> String {
        svg.text("Latency by length", x: 24, y: 34, size: 19, anchor: "start", weight: "600")
        svg.text(chart.subtitle, x: 24, y: 56, size: 12, anchor: "start", fill: SVGBuilder.muted)
        latency(left: 76)
        var width = 76 + plotWidth + 24
        if let name = chart.quality {
            quality(name, left: width + 76)
            width += 76 + plotWidth + 24
        }
        legend(left: width)
        let names = chart.models.map { SVGBuilder.width(Self.shortened($0.name), size: 13) }
        width += 32 + (names.max() ?? 0) + 24
        let height = max(top + plotHeight + 64, top + 20 * Double(chart.models.count) + 40)
        return svg.file(title: "Latency by length", width: width, height: height)
    }

    // MARK: - Panels

    private mutating func latency(left: Double) {
        let scale = LogScale(chart.columns.flatMap(\.times).flatMap { [$0.median, $0.high] })
        let count = chart.columns.count
        func x(_ index: Int) -> Double { left + plotWidth * (Double(index) + 0.5) / Double(max(1, count)) }
        frame(left: left)
        for mark in scale.marks {
            let y = y(mark, scale)
            svg.line(left, y, left + plotWidth, y, color: "#ececf0")
            svg.text(Self.short(mark), x: left - 8, y: y + 4, size: 12, anchor: "end")
        }
        svg.text("milliseconds", x: left, y: top - 12, size: 13, anchor: "start", weight: "600")
        for (index, column) in chart.columns.enumerated() {
            svg.text(String(column.length), x: x(index), y: top + plotHeight + 20, size: 12)
        }
        svg.text("tokens", x: left + plotWidth / 2, y: top + plotHeight + 44, size: 13, weight: "600")
        for model in chart.models.indices {
            curve(model, chart.columns.enumerated().map { (x($0), $1.times[model]) }, scale)
        }
    }

    private mutating func curve(
        _ model: Int, _ points: [(x: Double, time: BenchmarkChart.Time)], _ scale: LogScale
    ) {
        let color = Self.colors[model % Self.colors.count]
        let path = points.map {
            "\(SVGBuilder.number($0.x)),\(SVGBuilder.number(y($0.time.median, scale)))"
        }
        svg.add(
            "polyline",
            [
                "points": path.joined(separator: " "), "fill": "none", "stroke": color, "stroke-width": "2",
            ])
        for (x, time) in points {
            let (low, high) = (y(time.median, scale), y(time.high, scale))
            svg.line(x, low, x, high, color: color)
            svg.line(x - 4, high, x + 4, high, color: color)
            let label =
                "\(chart.models[model].name): p50 \(Self.short(time.median)) ms, "
                + "p95 \(Self.short(time.high)) ms"
            dot(x, low, color, label)
        }
    }

    /// Draws each model's quality against its latency at the middle length.
    private mutating func quality(_ name: String, left: Double) {
        guard !chart.columns.isEmpty else { return }
        let column = chart.columns[chart.columns.count / 2]
        let evaluated = chart.models.enumerated().compactMap { index, model in
            model.quality.map { (index: index, value: $0) }
        }
        let values = evaluated.map(\.value)
        guard let low = values.min(), let high = values.max() else { return }
        let margin = max((high - low) * 0.15, 0.005)
        let range = (low - margin)...(high + margin)
        let scale = LogScale(column.times.map(\.median))
        frame(left: left)
        for step in 0...4 {
            let value = range.lowerBound + (range.upperBound - range.lowerBound) * Double(step) / 4
            let y = top + plotHeight * (1 - Double(step) / 4)
            svg.line(left, y, left + plotWidth, y, color: "#ececf0")
            svg.text(String(format: "%.3f", value), x: left - 8, y: y + 4, size: 12, anchor: "end")
        }
        for mark in scale.marks {
            let x = left + plotWidth * scale.place(mark)
            svg.line(x, top, x, top + plotHeight, color: "#ececf0")
            svg.text(Self.short(mark), x: x, y: top + plotHeight + 20, size: 12)
        }
        svg.text(name, x: left, y: top - 12, size: 13, anchor: "start", weight: "600")
        svg.text(
            "milliseconds at \(column.length) tokens", x: left + plotWidth / 2, y: top + plotHeight + 44,
            size: 13, weight: "600")
        for (index, value) in evaluated {
            let time = column.times[index].median
            let fraction = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
            let label =
                "\(chart.models[index].name): \(String(format: "%.4f", value)), \(Self.short(time)) ms"
            dot(
                left + plotWidth * scale.place(time), top + plotHeight * (1 - fraction),
                Self.colors[index % Self.colors.count], label, radius: 6)
        }
    }

    private mutating func legend(left: Double) {
        for (index, model) in chart.models.enumerated() {
            let y = top + 8 + 20 * Double(index)
            dot(left + 8, y, Self.colors[index % Self.colors.count], model.name)
            svg.text(Self.shortened(model.name), x: left + 22, y: y + 4.5, size: 13, anchor: "start")
        }
    }

    // MARK: - Pieces

    private mutating func frame(left: Double) {
        let n = SVGBuilder.number
        svg.add(
            "rect",
            [
                "x": n(left), "y": n(top), "width": n(plotWidth), "height": n(plotHeight), "fill": "none",
                "stroke": "#d7d7dc",
            ])
    }

    private func y(_ value: Double, _ scale: LogScale) -> Double {
        top + plotHeight * (1 - scale.place(value))
    }

    private mutating func dot(_ x: Double, _ y: Double, _ color: String, _ label: String, radius: Double = 4)
    {
        let n = SVGBuilder.number
        svg.add("circle", ["cx": n(x), "cy": n(y), "r": n(radius), "fill": color], tip: label)
    }

    private static func short(_ value: Double) -> String { String(format: "%.3g", value) }

    /// The end of a name, which distinguishes paths.
    private static func shortened(_ text: String) -> String {
        text.count > 40 ? "…" + text.suffix(39) : text
    }
}
