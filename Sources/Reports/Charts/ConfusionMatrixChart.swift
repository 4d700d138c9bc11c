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

    public func svg(identifier: String) -> String {
        var svg = SVGBuilder()
        let size = min(labels.count, counts.count)
        let hasNumbers = size <= Self.mostNumbers
        let names = labels.prefix(size).map { MarkupText.shortened($0, 16) }
        let left = hasNumbers ? min(120, (names.map(TextSize.width).max() ?? 0) + 12) + 18 : 26
        let top = 24.0
        let cell = min(hasNumbers ? 64 : 40, (ChartFrame.width - left - 6) / Double(max(1, size)))
        let grid = cell * Double(size)
        let n = SVGBuilder.number
        svg.add(
            "rect",
            ["class": "matrix", "x": n(left), "y": n(top), "width": n(grid), "height": n(grid)])
        for row in 0..<size {
            let total = counts[row].reduce(0, +)
            for column in 0..<min(size, counts[row].count) where counts[row][column] > 0 || hasNumbers {
                let count = counts[row][column]
                let fraction = total > 0 ? Double(count) / Double(total) : 0
                let (x, y) = (left + cell * Double(column), top + cell * Double(row))
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
        svg.text("predicted →", left, 10, kind: "axis-title")
        svg.add(
            "text",
            [
                "class": "axis-title", "text-anchor": "end",
                "transform": "translate(10 \(n(top))) rotate(-90)",
            ], text: "← true")
        var bottom = top + grid + 6
        if hasNumbers {
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
                                "translate(\(n(left + middle + 4)) \(n(top + grid + 12))) rotate(-40)",
                        ], text: name)
                } else {
                    svg.text(name, left + middle, top + grid + 15, anchor: "middle", kind: "tick")
                }
            }
            bottom += isAskew ? (names.map(TextSize.width).max() ?? 0) * 0.65 + 16 : 16
        }
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, max(60, bottom)))
    }
}
