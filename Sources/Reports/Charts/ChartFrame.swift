import Foundation

/// The plot area of a chart with two axes: its frame, its grid, its legend.
struct ChartFrame {
    static let width = 380.0

    let x: Axis
    let y: Axis
    let left: Double
    let top: Double
    let right: Double
    let bottom: Double
    /// Of the whole drawing.
    let height: Double
    private let xFormat: NumberText
    private let yFormat: NumberText
    private let xTitle: String
    private let legend: [[LegendEntry]]

    struct LegendEntry {
        let name: String
        /// The series' index among all, which determines color, dash and marker.
        let style: Int
        let isLine: Bool
        var width: Double { TextSize.width(name) + 38 }
    }

    init(
        x: Axis, y: Axis, xTitle: String, xFormat: NumberText, yFormat: NumberText, legend: [LegendEntry],
        plotHeight: Double = 170
    ) {
        (self.x, self.y, self.xFormat, self.yFormat, self.xTitle) = (x, y, xFormat, yFormat, xTitle)
        let widest = y.ticks.map { TextSize.width(yFormat.tick($0, step: y.step)) }.max() ?? 0
        left = min(90, widest + 12)
        right = Self.width - 14
        self.legend = Self.rows(legend)
        top = 10 + Double(self.legend.count) * 18
        bottom = top + plotHeight
        height = bottom + 36
    }

    /// The entries in rows that fit the width.
    private static func rows(_ entries: [LegendEntry]) -> [[LegendEntry]] {
        var rows: [[LegendEntry]] = []
        var used = 0.0
        for entry in entries {
            if rows.isEmpty || used + entry.width > width - 10 {
                rows.append([])
                used = 0
            }
            rows[rows.count - 1].append(entry)
            used += entry.width
        }
        return rows
    }

    /// A point in the drawing; `nil` if a value has no position.
    func point(_ xValue: Double, _ yValue: Double) -> (x: Double, y: Double)? {
        guard let a = x.place(xValue), let b = y.place(yValue) else { return nil }
        return (left + a * (right - left), bottom - b * (bottom - top))
    }

    /// Grid, ticks and legend.
    func draw(_ svg: inout SVGBuilder) {
        for tick in y.ticks {
            guard let place = point(x.lower, tick) else { continue }
            svg.line(left, place.y, right, place.y, "grid")
            svg.text(
                yFormat.tick(tick, step: y.step), left - 6, place.y + 4, anchor: "end", kind: "tick")
        }
        var free = -Double.infinity
        for tick in x.ticks {
            guard let place = point(tick, y.lower) else { continue }
            svg.line(place.x, bottom, place.x, bottom + 4, "axis")
            let text = xFormat.tick(tick, step: x.step)
            let half = TextSize.width(text) / 2
            let middle = min(place.x, Self.width - half - 1)
            guard middle - half > free else { continue }
            svg.text(text, middle, bottom + 17, anchor: "middle", kind: "tick")
            free = middle + half + 6
        }
        svg.line(left, bottom, right, bottom, "axis")
        svg.text(xTitle, right, bottom + 32, anchor: "end", kind: "axis-title")
        for (row, entries) in legend.enumerated() {
            var start = 6.0
            let middle = 10 + Double(row) * 18
            for entry in entries {
                if entry.isLine {
                    svg.line(start, middle, start + 24, middle, "line \(SeriesStyle.name(entry.style))")
                }
                SeriesStyle.marker(&svg, (start + 12, middle), entry.style, size: 3.5)
                svg.text(
                    MarkupText.shortened(entry.name, 48), start + 30, middle + 4, kind: "legend")
                start += entry.width
            }
        }
    }
}

/// The style that distinguishes series: color, and for readers who do not see colors dash and marker.
enum SeriesStyle {
    static let count = 6

    static func name(_ style: Int) -> String { "s\(style % count + 1)" }

    /// A filled marker of the series' shape.
    ///
    /// - Parameters:
    ///   - center: The position.
    ///   - style: The series' index.
    ///   - size: Half its width.
    ///   - tip: The tooltip.
    static func marker(
        _ svg: inout SVGBuilder, _ center: (x: Double, y: Double), _ style: Int, size: Double,
        tip: String? = nil
    ) {
        let (x, y, n) = (center.x, center.y, SVGBuilder.number)
        let kind = "mark \(name(style))"
        let s = size
        func polygon(_ points: [(Double, Double)]) {
            let text = points.map { "\(n(x + $0.0 * s)),\(n(y + $0.1 * s))" }.joined(separator: " ")
            svg.add("polygon", ["class": kind, "points": text], tip: tip)
        }
        switch style % count {
        case 0: svg.add("circle", ["class": kind, "cx": n(x), "cy": n(y), "r": n(s)], tip: tip)
        case 1: polygon([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
        case 2: polygon([(0, -1.2), (1.1, 0.8), (-1.1, 0.8)])
        case 3: polygon([(0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)])
        case 4: polygon([(0, 1.2), (1.1, -0.8), (-1.1, -0.8)])
        default:
            polygon([
                (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2),
                (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
            ])
        }
    }
}
