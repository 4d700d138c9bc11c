import Foundation

/// The predicted class against the true one. The darker a cell, the larger its fraction of its row; with up to ten
/// classes cells show their counts and classes their names, with more only the map is drawn.
public struct ConfusionMatrixChart: Chart {
    public var title: String
    public var summary: String
    public var labels: [String]
    /// Rows: true labels; columns: predicted ones.
    public var counts: [[Int]]

    /// The most classes whose cells hold their numbers.
    static let mostNumbers = 10

    public init(_ title: String, summary: String, labels: [String], counts: [[Int]]) {
        self.title = title
        self.summary = summary
        self.labels = labels
        self.counts = counts
    }

    /// The grid of cells, in user units, and the names at its edges.
    private struct Grid {
        let size: Int
        let hasNumbers: Bool
        let names: [String]
        let left: Double
        let top = 24.0
        let cell: Double
        var side: Double { cell * Double(size) }

        init(_ chart: ConfusionMatrixChart) {
            size = min(chart.labels.count, chart.counts.count)
            hasNumbers = size <= ConfusionMatrixChart.mostNumbers
            names = chart.labels.prefix(size).map { MarkupText.shortened($0, 16) }
            left = hasNumbers ? min(120, (names.map(TextSize.width).max() ?? 0) + 12) + 18 : 26
            cell = min(hasNumbers ? 64 : 40, (ChartFrame.width - left - 6) / Double(max(1, size)))
        }
    }

    public func svg(identifier: String) -> String {
        var svg = SVGBuilder()
        let grid = Grid(self)
        let n = SVGBuilder.number
        svg.add(
            "rect",
            [
                "class": "matrix", "x": n(grid.left), "y": n(grid.top), "width": n(grid.side),
                "height": n(grid.side),
            ])
        addCells(grid, to: &svg)
        svg.text("predicted →", grid.left, 10, kind: "axis-title")
        svg.add(
            "text",
            [
                "class": "axis-title", "text-anchor": "end",
                "transform": "translate(10 \(n(grid.top))) rotate(-90)",
            ], text: "← true")
        var bottom = grid.top + grid.side + 6
        if grid.hasNumbers { bottom += addNames(grid, to: &svg) }
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, max(60, bottom)))
    }

    /// The cells of the matrix, with their counts where there is room.
    private func addCells(_ grid: Grid, to svg: inout SVGBuilder) {
        let (cell, hasNumbers) = (grid.cell, grid.hasNumbers)
        let n = SVGBuilder.number
        for row in 0..<grid.size {
            let total = counts[row].reduce(0, +)
            for column in 0..<min(grid.size, counts[row].count) where counts[row][column] > 0 || hasNumbers {
                let count = counts[row][column]
                let fraction = total > 0 ? Double(count) / Double(total) : 0
                let (x, y) = (grid.left + cell * Double(column), grid.top + cell * Double(row))
                let gap = hasNumbers ? 1.0 : 0
                svg.add(
                    "rect",
                    [
                        "class": row == column ? "cell right" : "cell wrong", "x": n(x + gap),
                        "y": n(y + gap),
                        "width": n(cell - 2 * gap), "height": n(cell - 2 * gap),
                        "fill-opacity": n(
                            count == 0 ? 0 : hasNumbers ? 0.1 + 0.9 * fraction : 0.4 + 0.6 * fraction),
                    ], tip: "true \(labels[row]), predicted \(labels[column]): \(count)")
                guard hasNumbers else { continue }
                svg.text(
                    String(count), x + cell / 2, y + cell / 2 + 4, anchor: "middle",
                    kind: fraction > 0.45 ? "on-cell" : "value")
            }
        }
    }

    /// The names of the classes, left of the rows and below the columns; returns the height of those below.
    private func addNames(_ grid: Grid, to svg: inout SVGBuilder) -> Double {
        let (names, left, top, cell) = (grid.names, grid.left, grid.top, grid.cell)
        let n = SVGBuilder.number
        // Names that are too wide for their column are rotated.
        let isAskew = names.contains { TextSize.width($0) > cell - 4 }
        for (place, name) in names.enumerated() {
            let middle = (Double(place) + 0.5) * cell
            svg.text(name, left - 6, top + middle + 4, anchor: "end", kind: "tick")
            if isAskew {
                svg.add(
                    "text",
                    [
                        "class": "tick", "text-anchor": "end",
                        "transform":
                            "translate(\(n(left + middle + 4)) \(n(top + grid.side + 12))) rotate(-40)",
                    ], text: name)
            } else {
                svg.text(name, left + middle, top + grid.side + 15, anchor: "middle", kind: "tick")
            }
        }
        return isAskew ? (names.map(TextSize.width).max() ?? 0) * 0.65 + 16 : 16
    }
}
