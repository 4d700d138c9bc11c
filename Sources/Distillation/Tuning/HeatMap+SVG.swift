import Foundation

extension HeatMap {
    /// The map as an SVG document: no scripts, and no fonts but the reader's own.
    public var svg: String {
        var drawing = HeatMapDrawing(self)
        return drawing.document()
    }
}

/// Draws a map. Lengths are in pixels.
private struct HeatMapDrawing {
    let map: HeatMap
    private let cellWidth = 92.0
    private let cellHeight = 60.0
    private let left: Double
    private let top = 84.0
    private let bottom: Double
    private let tilted: Bool
    /// The range of means, from the worst to the best.
    private let scale: (worst: Double, best: Double)?
    private let decimals: Int
    private var body: [String] = []

    init(_ map: HeatMap) {
        self.map = map
        let means = map.cells.joined().compactMap(\.mean)
        if let low = means.min(), let high = means.max() {
            scale = map.metric.direction == .maximize ? (low, high) : (high, low)
            // As many digits as tell the cells apart, with one to spare; three for shares, whatever their range.
            let spread = high - low
            let telling = spread > 0 && spread.isFinite ? Int((1 - log10(spread)).rounded(.up)) + 1 : 4
            decimals = min(6, max(max(abs(low), abs(high)) < 10 ? 3 : 0, telling))
        } else {
            scale = nil
            decimals = 4
        }
        func widest(_ axis: HeatMapAxis?) -> Double {
            axis?.labels.map { Self.width(Self.shortened($0), 13) }.max() ?? 0
        }
        left = 32 + (map.y == nil ? 0 : 28 + widest(map.y))
        tilted = widest(map.x) > cellWidth - 8
        bottom = 52 + (tilted ? widest(map.x) * 0.5 + 8 : 20)
    }

    private var columns: Int { map.x.count }
    private var rows: Int { map.y?.count ?? 1 }
    private var gridWidth: Double { cellWidth * Double(columns) }
    private var gridHeight: Double { cellHeight * Double(rows) }
    private var legendHeight: Double { max(gridHeight, 112) }

    mutating func document() -> String {
        text(map.title, x: 24, y: 36, size: 19, anchor: "start", weight: "600")
        text(map.subtitle, x: 24, y: 58, size: 13, anchor: "start", fill: Self.muted)
        for row in 0..<rows { for column in 0..<columns { cell(row, column) } }
        best()
        xAxis()
        yAxis()
        legend()
        let right = 24 + Self.width(format(scale?.best ?? 0), 13) + 64
        let width = max(
            left + gridWidth + right, 48 + Self.width(map.title, 19), 48 + Self.width(map.subtitle, 13))
        // The legend of a low map may reach below its axis.
        let height = max(top + gridHeight + bottom, top + legendHeight + 40)
        let size = "\(Self.number(width)) \(Self.number(height))"
        let head = """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" width="\(Self.number(width))" \
            height="\(Self.number(height))" role="img" aria-label="\(Self.escaped(map.title))" \
            font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
            <defs><linearGradient id="ramp" x1="0" y1="1" x2="0" y2="0">\(gradient)</linearGradient></defs>
            <rect width="100%" height="100%" fill="#ffffff"/>
            """
        return ([head] + body + ["</svg>\n"]).joined(separator: "\n")
    }

    // MARK: - Parts

    private mutating func cell(_ row: Int, _ column: Int) {
        let (x, y) = origin(row, column)
        let (middle, cell) = (x + cellWidth / 2, map.cells[row][column])
        func rectangle(_ fill: String) -> String {
            "<rect class=\"cell\" x=\"\(Self.number(x + 1))\" y=\"\(Self.number(y + 1))\" "
                + "width=\"\(Self.number(cellWidth - 2))\" height=\"\(Self.number(cellHeight - 2))\" rx=\"3\" "
                + "fill=\"\(fill)\"/>"
        }
        switch cell {
        case .empty: body.append(rectangle("#f1f1f3"))
        case .failed:
            body.append(rectangle("#f1f1f3"))
            text("failed", x: middle, y: y + cellHeight / 2 + 4, size: 13, fill: Self.muted)
        case .trial(let trial):
            let color = ColorRamp.color(place(trial.mean ?? 0))
            body.append("<g><title>\(Self.escaped(tooltip(trial)))</title>" + rectangle(color.hexadecimal))
            var details: [String] = []
            if let deviation = trial.standardDeviation { details.append("± \(format(deviation))") }
            if trial.budget < 1 { details.append("\(Self.percent(trial.budget)) budget") }
            let lines = details.count
            let start = y + cellHeight / 2 + 5 - Double(lines) * 7.5
            text(format(trial.mean ?? 0), x: middle, y: start, size: 15, fill: color.text, weight: "600")
            for (index, detail) in details.enumerated() {
                text(detail, x: middle, y: start + 15 + 13 * Double(index), size: 11, fill: color.text)
            }
            body.append("</g>")
        }
    }

    /// A frame around the best cell.
    private mutating func best() {
        var found: (row: Int, column: Int, rank: Int)?
        for row in 0..<rows {
            for column in 0..<columns {
                guard case .trial(let trial) = map.cells[row][column] else { continue }
                if found == nil || trial.rank < found?.rank ?? 0 { found = (row, column, trial.rank) }
            }
        }
        guard let found else { return }
        let (x, y) = origin(found.row, found.column)
        body.append(
            "<rect class=\"best\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
                + "width=\"\(Self.number(cellWidth))\" height=\"\(Self.number(cellHeight))\" rx=\"4\" fill=\"none\" "
                + "stroke=\"#d6336c\" stroke-width=\"3\"/>")
    }

    private mutating func xAxis() {
        let y = top + gridHeight + 20
        for (index, label) in map.x.labels.enumerated() {
            let x = left + (Double(index) + (map.x.isBinned ? 0 : 0.5)) * cellWidth
            if map.x.isBinned { tick(x, top + gridHeight + 1, x, top + gridHeight + 6) }
            text(
                Self.shortened(label), x: x, y: tilted ? y - 2 : y, size: 13,
                anchor: tilted ? "end" : "middle", rotation: tilted ? -30 : nil)
        }
        text(
            map.x.name, x: left + gridWidth / 2, y: top + gridHeight + bottom - 22, size: 14, weight: "600")
    }

    private mutating func yAxis() {
        guard let axis = map.y else { return }
        for (index, label) in axis.labels.enumerated() {
            let edge = axis.isNumeric ? Double(rows) - Double(index) : Double(index)
            let offset = axis.isBinned ? 0 : axis.isNumeric ? -0.5 : 0.5
            let y = top + (edge + offset) * cellHeight
            if axis.isBinned { tick(left - 6, y, left - 1, y) }
            text(Self.shortened(label), x: left - 10, y: y + 4.5, size: 13, anchor: "end")
        }
        text(axis.name, x: 30, y: top + gridHeight / 2, size: 14, weight: "600", rotation: -90)
    }

    private mutating func legend() {
        guard let scale else { return }
        let x = left + gridWidth + 28
        body.append(
            "<rect class=\"legend\" x=\"\(Self.number(x))\" y=\"\(Self.number(top))\" width=\"16\" "
                + "height=\"\(Self.number(legendHeight))\" rx=\"2\" fill=\"url(#ramp)\"/>")
        text(map.metric.name, x: x, y: top - 8, size: 12, anchor: "start", fill: Self.muted)
        let middle = (scale.worst + scale.best) / 2
        var marks = [(value: scale.best, share: 0.0)]
        if scale.worst != scale.best { marks += [(middle, 0.5), (scale.worst, 1)] }
        for (value, share) in marks {
            text(
                format(value), x: x + 22,
                y: top + legendHeight * share + (share == 0 ? 11 : share == 1 ? 0 : 5),
                size: 12, anchor: "start")
        }
        text(
            map.metric.direction == .maximize ? "more is better" : "less is better", x: x,
            y: top + legendHeight + 18, size: 11, anchor: "start", fill: Self.muted)
    }

    private var gradient: String {
        (0...12).map { step in
            let place = Double(step) / 12
            return
                "<stop offset=\"\(Self.number(place))\" stop-color=\"\(ColorRamp.color(place).hexadecimal)\"/>"
        }.joined()
    }

    // MARK: - Places and texts

    /// The upper left corner of a cell: numbers rise from the bottom.
    private func origin(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
        let isRising = map.y?.isNumeric ?? false
        let fromTop = isRising ? rows - 1 - row : row
        return (left + cellWidth * Double(column), top + cellHeight * Double(fromTop))
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

    private func tooltip(_ trial: TuningReport.Trial) -> String {
        let settings = trial.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "rank \(trial.rank), trial \(trial.trial + 1): " + settings.joined(separator: ", ")
    }

    private mutating func tick(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
        body.append(
            "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" "
                + "y2=\"\(Self.number(y2))\" stroke=\"#8a8a94\"/>")
    }

    private mutating func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: String = "middle",
        fill: String = "#1c1c22", weight: String? = nil, rotation: Double? = nil
    ) {
        var attributes =
            "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" "
            + "text-anchor=\"\(anchor)\" fill=\"\(fill)\""
        if let weight { attributes += " font-weight=\"\(weight)\"" }
        if let rotation {
            attributes +=
                " transform=\"rotate(\(Self.number(rotation)) \(Self.number(x)) \(Self.number(y)))\""
        }
        body.append("<text \(attributes)>\(Self.escaped(text))</text>")
    }

    private static let muted = "#5c5c66"

    private static func number(_ value: Double) -> String {
        String(format: "%g", (value * 100).rounded() / 100)
    }

    private static func percent(_ share: Double) -> String { String(format: "%.3g %%", share * 100) }

    /// About how wide a text is.
    private static func width(_ text: String, _ size: Double) -> Double { Double(text.count) * size * 0.58 }

    private static func shortened(_ text: String) -> String {
        text.count <= 24 ? text : String(text.prefix(23)) + "…"
    }

    /// Text as XML holds it, without the control characters that it cannot hold.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
