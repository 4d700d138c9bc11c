import Foundation

/// Draws a heat map. Lengths are in pixels.
struct HeatMapDrawing {
    /// The most characters of a label.
    static let longest = 24
    private static let cellWidth = 92.0
    private static let cellHeight = 60.0

    private let map: HeatMapChart
    private let left: Double
    private let top = 84.0
    private let bottom: Double
    private let tilted: Bool
    /// The range of means, from the worst to the best.
    private let scale: (worst: Double, best: Double)?
    private let decimals: Int
    private var svg = SVGBuilder.file()

    init(_ map: HeatMapChart) {
        self.map = map
        let means = map.cells.joined().compactMap { cell -> Double? in
            if case .value(let value) = cell { value.mean } else { nil }
        }
        if let low = means.min(), let high = means.max() {
            scale = map.isMoreBetter ? (low, high) : (high, low)
            // As many digits as distinguish the cells, with one to spare; three for fractions, whatever their range.
            let spread = high - low
            let telling = spread > 0 && spread.isFinite ? Int((1 - log10(spread)).rounded(.up)) + 1 : 4
            decimals = min(6, max(max(abs(low), abs(high)) < 10 ? 3 : 0, telling))
        } else {
            scale = nil
            decimals = 4
        }
        left = 32 + (map.y.map { 28 + $0.widest } ?? 0)
        tilted = map.x.widest > Self.cellWidth - 8
        bottom = 52 + (tilted ? map.x.widest * 0.5 + 8 : 20)
    }

    private var columns: Int { map.x.count }
    private var rows: Int { map.y?.count ?? 1 }
    private var gridWidth: Double { Self.cellWidth * Double(columns) }
    private var gridHeight: Double { Self.cellHeight * Double(rows) }
    private var legendHeight: Double { max(gridHeight, 112) }

    mutating func file() -> String {
        svg.text(map.title, x: 24, y: 36, size: 19, anchor: "start", weight: "600")
        svg.text(map.subtitle, x: 24, y: 58, size: 13, anchor: "start", fill: SVGBuilder.muted)
        for row in 0..<rows { for column in 0..<columns { cell(row, column) } }
        best()
        xAxis()
        yAxis()
        legend()
        let right = 24 + SVGBuilder.width(format(scale?.best ?? 0), size: 13) + 64
        let width = max(
            left + gridWidth + right, 48 + SVGBuilder.width(map.title, size: 19),
            48 + SVGBuilder.width(map.subtitle, size: 13))
        // The legend of a low map may reach below its axis.
        let height = max(top + gridHeight + bottom, top + legendHeight + 40)
        return svg.file(title: map.title, width: width, height: height, definitions: Self.ramp)
    }

    // MARK: - Parts

    private mutating func cell(_ row: Int, _ column: Int) {
        let (x, y) = origin(row, column)
        let middle = x + Self.cellWidth / 2
        switch map.cells[row][column] {
        case .empty: Self.square(&svg, x, y, "#f1f1f3")
        case .failed:
            Self.square(&svg, x, y, "#f1f1f3")
            svg.text("failed", x: middle, y: y + Self.cellHeight / 2 + 4, size: 13, fill: SVGBuilder.muted)
        case .value(let value):
            let color = ColorRamp.color(place(value.mean))
            let details = [value.deviation.map { "± \(format($0))" }].compactMap(\.self) + value.details
            let start = y + Self.cellHeight / 2 + 5 - Double(details.count) * 7.5
            let mean = format(value.mean)
            svg.group(tip: value.tip) { svg in
                Self.square(&svg, x, y, color.hexadecimal)
                svg.text(mean, x: middle, y: start, size: 15, fill: color.text, weight: "600")
                for (index, detail) in details.enumerated() {
                    svg.text(
                        detail, x: middle, y: start + 15 + 13 * Double(index), size: 11, fill: color.text)
                }
            }
        }
    }

    private static func square(_ svg: inout SVGBuilder, _ x: Double, _ y: Double, _ fill: String) {
        let n = SVGBuilder.number
        svg.add(
            "rect",
            [
                "class": "cell", "x": n(x + 1), "y": n(y + 1), "width": n(cellWidth - 2),
                "height": n(cellHeight - 2), "rx": "3", "fill": fill,
            ])
    }

    /// A frame around the best cell.
    private mutating func best() {
        var found: (row: Int, column: Int, rank: Int)?
        for row in 0..<rows {
            for column in 0..<columns {
                guard case .value(let value) = map.cells[row][column] else { continue }
                if found == nil || value.rank < found?.rank ?? 0 { found = (row, column, value.rank) }
            }
        }
        guard let found else { return }
        let (x, y) = origin(found.row, found.column)
        let n = SVGBuilder.number
        svg.add(
            "rect",
            [
                "class": "best", "x": n(x), "y": n(y), "width": n(Self.cellWidth),
                "height": n(Self.cellHeight), "rx": "4", "fill": "none", "stroke": "#d6336c",
                "stroke-width": "3",
            ])
    }

    private mutating func xAxis() {
        let y = top + gridHeight + 20
        for (index, label) in map.x.labels.enumerated() {
            let x = left + (Double(index) + (map.x.isBinned ? 0 : 0.5)) * Self.cellWidth
            if map.x.isBinned { tick(x, top + gridHeight + 1, x, top + gridHeight + 6) }
            svg.text(
                MarkupText.shortened(label, Self.longest), x: x, y: tilted ? y - 2 : y, size: 13,
                anchor: tilted ? "end" : "middle", rotation: tilted ? -30 : nil)
        }
        svg.text(
            map.x.name, x: left + gridWidth / 2, y: top + gridHeight + bottom - 22, size: 14, weight: "600")
    }

    private mutating func yAxis() {
        guard let axis = map.y else { return }
        for (index, label) in axis.labels.enumerated() {
            let edge = axis.isNumeric ? Double(rows) - Double(index) : Double(index)
            let offset = axis.isBinned ? 0 : axis.isNumeric ? -0.5 : 0.5
            let y = top + (edge + offset) * Self.cellHeight
            if axis.isBinned { tick(left - 6, y, left - 1, y) }
            svg.text(
                MarkupText.shortened(label, Self.longest), x: left - 10, y: y + 4.5, size: 13, anchor: "end")
        }
        svg.text(axis.name, x: 30, y: top + gridHeight / 2, size: 14, weight: "600", rotation: -90)
    }

    private mutating func legend() {
        guard let scale else { return }
        let x = left + gridWidth + 28
        let n = SVGBuilder.number
        svg.add(
            "rect",
            [
                "class": "legend", "x": n(x), "y": n(top), "width": "16", "height": n(legendHeight),
                "rx": "2", "fill": "url(#ramp)",
            ])
        svg.text(map.metric, x: x, y: top - 8, size: 12, anchor: "start", fill: SVGBuilder.muted)
        let middle = (scale.worst + scale.best) / 2
        var marks = [(value: scale.best, fraction: 0.0)]
        if scale.worst != scale.best { marks += [(middle, 0.5), (scale.worst, 1)] }
        for (value, fraction) in marks {
            svg.text(
                format(value), x: x + 22,
                y: top + legendHeight * fraction + (fraction == 0 ? 11 : fraction == 1 ? 0 : 5),
                size: 12, anchor: "start")
        }
        svg.text(
            map.isMoreBetter ? "more is better" : "less is better", x: x,
            y: top + legendHeight + 18, size: 11, anchor: "start", fill: SVGBuilder.muted)
    }

    /// The legend's gradient.
    private static let ramp: String = {
        var stops = SVGBuilder()
        for step in 0...12 {
            let place = Double(step) / 12
            stops.add(
                "stop",
                ["offset": SVGBuilder.number(place), "stop-color": ColorRamp.color(place).hexadecimal])
        }
        return "<defs><linearGradient id=\"ramp\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">\(stops.body)"
            + "</linearGradient></defs>\n"
    }()

    // MARK: - Positions and texts

    /// The upper left corner of a cell: numbers rise from the bottom.
    private func origin(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
        let isRising = map.y?.isNumeric ?? false
        let fromTop = isRising ? rows - 1 - row : row
        return (left + Self.cellWidth * Double(column), top + Self.cellHeight * Double(fromTop))
    }

    /// From 0 for the worst cell to 1 for the best.
    private func place(_ mean: Double) -> Double {
        guard let scale, scale.worst != scale.best else { return 1 }
        return (mean - scale.worst) / (scale.best - scale.worst)
    }

    private func format(_ value: Double) -> String {
        let size = abs(value)
        return size != 0 && (size < 1e-4 || size >= 1e6)
            ? String(format: "%.3g", value) : String(format: "%.\(decimals)f", value)
    }

    private mutating func tick(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
        svg.line(x1, y1, x2, y2, color: "#8a8a94")
    }
}
