/// Single points with names, such as models by size and accuracy. The horizontal axis is logarithmic.
public struct ScatterChart: Chart {
    public struct Point: Sendable, Equatable {
        public var name: String
        /// Above 0.
        public var x: Double
        public var y: Double
        /// Its index among colors and markers.
        public var style: Int

        public init(_ name: String, x: Double, y: Double, style: Int) {
            self.name = name
            self.x = x
            self.y = y
            self.style = style
        }
    }

    public var title: String
    public var summary: String
    public var xTitle: String
    public var points: [Point]
    public var xFormat: NumberText
    public var yFormat: NumberText
    /// The least span of the vertical axis.
    public var minimumSpan = 0.02

    public init(
        _ title: String, summary: String, xTitle: String, points: [Point], xFormat: NumberText,
        yFormat: NumberText
    ) {
        self.title = title
        self.summary = summary
        self.xTitle = xTitle
        self.points = points
        self.xFormat = xFormat
        self.yFormat = yFormat
    }

    private struct Box {
        var x1, y1, x2, y2: Double

        func overlaps(_ other: Box) -> Bool {
            x1 < other.x2 && other.x1 < x2 && y1 < other.y2 && other.y1 < y2
        }
    }

    public func svg(identifier: String) -> String {
        let shown = points.filter { $0.x.isFinite && $0.x > 0 && $0.y.isFinite }
        let frame = ChartFrame(
            x: Axis(shown.map(\.x), isLogarithmic: true, padding: 0.12),
            y: Axis(shown.map(\.y), padding: 0.16, minimumSpan: minimumSpan), xTitle: xTitle,
            xFormat: xFormat, yFormat: yFormat, legend: [], plotHeight: 200)
        var svg = SVGBuilder()
        frame.draw(&svg)
        let places = shown.map { frame.point($0.x, $0.y) ?? (frame.left, frame.bottom) }
        var taken = places.map { Box(x1: $0.x - 7, y1: $0.y - 7, x2: $0.x + 7, y2: $0.y + 7) }
        for (point, place) in zip(shown, places) {
            SeriesStyle.marker(
                &svg, place, point.style, size: 6,
                tip: "\(point.name): \(xFormat.text(point.x)), \(yFormat.text(point.y))")
        }
        for (point, place) in zip(shown, places) {
            let name = MarkupText.shortened(point.name, 26)
            let (x, y, anchor, box) = label(name, at: place, frame, taken)
            taken.append(box)
            svg.text(name, x, y, anchor: anchor, kind: "label")
        }
        if shown.isEmpty {
            svg.text(
                "nothing was measured", (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2,
                anchor: "middle", kind: "note")
        }
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, frame.height))
    }

    /// A free position for a name beside its point; below the point if there is none.
    private func label(
        _ name: String, at place: (x: Double, y: Double), _ frame: ChartFrame, _ taken: [Box]
    ) -> (x: Double, y: Double, anchor: String, box: Box) {
        let width = TextSize.width(name)
        var first: (x: Double, y: Double, anchor: String, box: Box)?
        for distance in [0.0, 14, 28, 42] {
            let candidates: [(Double, Double, String)] = [
                (place.x + 11, place.y + 4 - distance, "start"),
                (place.x - 11, place.y + 4 - distance, "end"),
                (place.x, place.y - 11 - distance, "middle"), (place.x, place.y + 20 + distance, "middle"),
                (place.x + 11, place.y + 4 + distance, "start"),
                (place.x - 11, place.y + 4 + distance, "end"),
            ]
            for (x, y, anchor) in candidates {
                let start = anchor == "start" ? x : anchor == "end" ? x - width : x - width / 2
                let box = Box(x1: start, y1: y - 11, x2: start + width, y2: y + 3)
                let isInside =
                    box.x1 >= frame.left && box.x2 <= ChartFrame.width - 2 && box.y1 >= 0
                    && box.y2 <= frame.bottom
                if isInside, !taken.contains(where: box.overlaps) { return (x, y, anchor, box) }
                if isInside, first == nil { first = (x, y, anchor, box) }
            }
        }
        // The name is longer than the plot, or all is full.
        let middle = max(frame.left + width / 2, min(place.x, ChartFrame.width - width / 2))
        return first
            ?? (
                middle, place.y + 20, "middle",
                Box(x1: middle - width / 2, y1: place.y + 9, x2: middle + width / 2, y2: place.y + 23)
            )
    }
}
