/// Curves over a common axis.
///
/// Points that are not finite leave a gap; a series of few points shows each as a marker.
public struct LineChart: Chart {
    /// A curve.
    public struct Series: Sendable, Equatable {
        public var name: String
        /// In rising order of x.
        public var points: [ChartPoint]
        /// Its index among colors, dashes and markers.
        public var style: Int

        public init(_ name: String, _ points: [ChartPoint], style: Int) {
            self.name = name
            self.points = points
            self.style = style
        }
    }

    /// A value that is the same throughout, such as the teacher's accuracy.
    public struct Reference: Sendable, Equatable {
        public var name: String
        public var value: Double
        public var style: Int

        public init(_ name: String, _ value: Double, style: Int) {
            self.name = name
            self.value = value
            self.style = style
        }
    }

    public var title: String
    public var summary: String
    public var xTitle: String
    public var series: [Series]
    public var references: [Reference] = []
    /// The position of a vertical line, with its name.
    public var mark: (name: String, x: Double)?
    public var format = NumberText.plain
    public var isFromZero = false

    /// The most points that are shown as markers.
    private static let mostMarkers = 30

    public init(_ title: String, summary: String, xTitle: String, series: [Series]) {
        self.title = title
        self.summary = summary
        self.xTitle = xTitle
        self.series = series
    }

    public func svg(identifier: String) -> String {
        let points = series.flatMap(\.points).filter(\.isFinite)
        let legend =
            series.map { ChartFrame.LegendEntry(name: $0.name, style: $0.style, isLine: true) }
            + references.map { ChartFrame.LegendEntry(name: $0.name, style: $0.style, isLine: true) }
        let frame = ChartFrame(
            x: Axis(
                points.map(\.x), padding: points.count > 1 ? 0 : 0.5, minimumSpan: points.count > 1 ? 0 : 2,
                isWhole: true),
            y: Axis(
                points.map(\.y) + references.map(\.value) + (isFromZero ? [0] : []), padding: 0.06,
                minimumSpan: format == .percent ? 0.02 : 0,
                bounds: isFromZero || points.allSatisfy { $0.y >= 0 } ? 0...Double.infinity : nil),
            xTitle: xTitle, xFormat: .count, yFormat: format, legend: legend)
        var svg = SVGBuilder()
        frame.draw(&svg)
        if let mark, let foot = frame.point(mark.x, frame.y.lower) {
            svg.line(foot.x, frame.top, foot.x, frame.bottom, "mark-line")
            let isLeft = foot.x > (frame.left + frame.right) / 2
            svg.text(
                mark.name, foot.x + (isLeft ? -4 : 4), frame.bottom - 5, anchor: isLeft ? "end" : "start",
                kind: "note")
        }
        for reference in references {
            guard let start = frame.point(frame.x.lower, reference.value) else { continue }
            svg.line(
                frame.left, start.y, frame.right, start.y, "line \(SeriesStyle.name(reference.style))")
        }
        for one in series { draw(one, frame, &svg) }
        if points.isEmpty {
            svg.text(
                "nothing was recorded", (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2,
                anchor: "middle", kind: "note")
        }
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, frame.height))
    }

    private func draw(_ series: Series, _ frame: ChartFrame, _ svg: inout SVGBuilder) {
        var (path, isOpen) = ("", false)
        var places: [(ChartPoint, (x: Double, y: Double))] = []
        for point in series.points {
            guard let place = frame.point(point.x, point.y) else {
                isOpen = false
                continue
            }
            path += "\(isOpen ? "L" : "M")\(SVGBuilder.number(place.x)) \(SVGBuilder.number(place.y))"
            isOpen = true
            places.append((point, place))
        }
        guard !places.isEmpty else { return }
        svg.add("path", ["class": "line \(SeriesStyle.name(series.style))", "d": path])
        guard places.count <= Self.mostMarkers else { return }
        for (point, place) in places {
            SeriesStyle.marker(
                &svg, place, series.style, size: 3.5,
                tip: "\(series.name): \(format.text(point.y)) at \(NumberText.count.text(point.x))")
        }
    }
}
