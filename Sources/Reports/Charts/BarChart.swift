/// Horizontal bars: for each category one of each series. Values go from 0 to 1.
public struct BarChart: Chart {
    public struct Series: Sendable, Equatable {
        public var name: String
        /// One for each category.
        public var values: [Double]
        public var style: Int

        public init(_ name: String, _ values: [Double], style: Int) {
            self.name = name
            self.values = values
            self.style = style
        }
    }

    public var title: String
    public var summary: String
    public var categories: [String]
    public var series: [Series]
    public var format: NumberText

    public init(
        _ title: String, summary: String, categories: [String], series: [Series], format: NumberText
    ) {
        self.title = title
        self.summary = summary
        self.categories = categories
        self.series = series
        self.format = format
    }

    public func svg(identifier: String) -> String {
        var svg = SVGBuilder()
        let names = categories.map { MarkupText.shortened($0, 18) }
        let left = min(160, (names.map(TextSize.width).max() ?? 0) + 14)
        let right = ChartFrame.width - 68
        let thickness = 14.0
        let group = Double(max(1, series.count)) * thickness + 9
        var top = 8.0
        if series.count > 1 {
            var start = 6.0
            for one in series {
                svg.add(
                    "rect",
                    [
                        "class": "bar \(SeriesStyle.name(one.style))", "x": SVGBuilder.number(start),
                        "y": "4", "width": "14", "height": "10",
                    ])
                svg.text(MarkupText.shortened(one.name, 20), start + 19, 13, kind: "legend")
                start += TextSize.width(MarkupText.shortened(one.name, 20)) + 36
            }
            top = 26
        }
        for (row, name) in names.enumerated() {
            let y = top + Double(row) * group
            svg.text(name, left - 7, y + (group - 9) / 2 + 4, anchor: "end", kind: "tick")
            for (place, one) in series.enumerated() {
                guard one.values.indices.contains(row), one.values[row].isFinite else { continue }
                let value = one.values[row]
                let start = y + Double(place) * thickness
                let width = max(1, min(1, max(0, value)) * (right - left))
                svg.add(
                    "rect",
                    [
                        "class": "bar \(SeriesStyle.name(one.style))", "x": SVGBuilder.number(left),
                        "y": SVGBuilder.number(start), "width": SVGBuilder.number(width),
                        "height": SVGBuilder.number(thickness - 1.5),
                    ], tip: "\(categories[row]), \(one.name): \(format.text(value))")
                svg.text(format.text(value), left + width + 5, start + 10.5, kind: "value")
            }
        }
        let bottom = top + Double(names.count) * group
        svg.line(left, top - 3, left, max(top, bottom - 4), "axis")
        return svg.document(
            identifier: identifier, title: title, description: summary,
            size: (ChartFrame.width, max(40, bottom + 2)))
    }
}
