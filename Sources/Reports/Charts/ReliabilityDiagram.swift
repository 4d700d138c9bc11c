/// A reliability diagram: accuracy by confidence. On the diagonal they are equal;
/// below it, too sure (Guo, Pleiss, Sun and Weinberger, arXiv 1706.04599).
public struct ReliabilityDiagram: Chart {
    public struct Series: Sendable, Equatable {
        public var name: String
        public var bins: [CalibrationBin]
        public var style: Int

        public init(_ name: String, _ bins: [CalibrationBin], style: Int) {
            self.name = name
            self.bins = bins
            self.style = style
        }
    }

    public var title: String
    public var summary: String
    public var series: [Series]

    public init(_ title: String, summary: String, series: [Series]) {
        self.title = title
        self.summary = summary
        self.series = series
    }

    public func svg(identifier: String) -> String {
        let axis = Axis([0, 1], padding: 0)
        let frame = ChartFrame(
            x: axis, y: axis, xTitle: "confidence", xFormat: .percent, yFormat: .percent,
            legend: series.map { .init(name: $0.name, style: $0.style, isLine: true) }, plotHeight: 230)
        var svg = SVGBuilder()
        frame.draw(&svg)
        svg.line(frame.left, frame.bottom, frame.right, frame.top, "diagonal")
        for one in series {
            let total = Double(max(1, one.bins.reduce(0) { $0 + $1.count }))
            let places = one.bins.filter { $0.count > 0 }.compactMap { bin in
                frame.point(bin.confidence, bin.accuracy).map { (bin, $0) }
            }
            let path = places.enumerated().map { index, entry in
                "\(index == 0 ? "M" : "L")\(SVGBuilder.number(entry.1.x)) \(SVGBuilder.number(entry.1.y))"
            }.joined()
            if !path.isEmpty {
                svg.add("path", ["class": "line \(SeriesStyle.name(one.style))", "d": path])
            }
            for (bin, place) in places {
                let fraction = Double(bin.count) / total
                SeriesStyle.marker(
                    &svg, place, one.style, size: 2.5 + 5 * fraction.squareRoot(),
                    tip: "\(one.name): sure \(NumberText.percent.text(bin.confidence)), right "
                        + "\(NumberText.percent.text(bin.accuracy)), \(bin.count) predictions")
            }
        }
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, frame.height))
    }
}
