import Foundation
import Testing

@testable import Reports

@Suite("Charts")
struct ChartTests {
    private static let hostile = [
        "<script>alert(1)</script>", "\"quotes\" & 'more' <b>", "\u{0}\u{1}\u{1B}[31m\u{7F}\u{85}",
        "\u{0600}<script>", "مرحبا \u{202E}abc", "👩‍👩‍👧 emoji 🎬", "line\nbreak\ttab",
        String(repeating: "long ", count: 60), "",
        Self.scalars(0xFFFE, 0xFDD0), "a\u{0301}\"onload=x",
    ]

    private static func scalars(_ values: UInt32...) -> String {
        String(String.UnicodeScalarView(values.compactMap(Unicode.Scalar.init)))
    }

    /// What every chart must be, whatever is in it.
    @discardableResult
    private func check(_ chart: some Chart, strays allowed: Int = 0) throws -> Drawing {
        let svg = chart.svg(identifier: "c-1")
        let drawing = Drawing(svg)
        try #require(drawing.isWellFormed, "\(svg)")
        let root = try #require(drawing.elements.first)
        #expect(root.name == "svg" && root.attributes["role"] == "img")
        #expect(root.attributes["aria-labelledby"] == "c-1-t c-1-d")
        let ids = drawing.elements.compactMap { $0.attributes["id"] }
        #expect(ids == ["c-1-t", "c-1-d"])
        let names = Set(drawing.elements.map(\.name))
        #expect(
            names.isSubset(of: [
                "svg", "title", "desc", "text", "line", "rect", "circle", "polygon", "path",
            ]), "\(names)")
        #expect(!svg.contains("NaN") && !svg.contains("nan\"") && !svg.contains("inf"), "\(svg)")
        #expect(drawing.strays.count <= allowed, "\(drawing.strays)")
        return drawing
    }

    private func line(_ name: String, _ points: [(Double, Double)], _ style: Int) -> LineChart.Series {
        .init(name, points.map { ChartPoint($0.0, $0.1) }, style: style)
    }

    @Test("line charts of all kinds of series stay inside")
    func lines() throws {
        let series: [[LineChart.Series]] = [
            [], [line("none", [], 0)], [line("one", [(3, 0.5)], 0)],
            [line("flat", (0..<50).map { (Double($0), 0.25) }, 1)],
            [line("gaps", [(1, .nan), (2, 0.3), (3, .infinity), (4, 0.2), (5, -.infinity)], 2)],
            [line("all gone", [(1, .nan), (2, .nan)], 2)],
            [line("huge", [(0, 1e300), (1, -1e300), (2, 4)], 3)],
            [
                line("a", (0..<400).map { (Double($0), sin(Double($0))) }, 0),
                line("b", [(0, 7), (399, -7)], 1),
            ],
            (0..<12).map { line("series \($0)", [(0, Double($0)), (10, 1)], $0) },
        ]
        for one in series {
            var chart = LineChart("Title", summary: "Summary", xTitle: "step", series: one)
            try check(chart)
            chart.references = [.init("teacher", 0.9, style: 0), .init("nothing", .nan, style: 1)]
            chart.mark = ("saved", 3)
            chart.isFromZero = true
            try check(chart)
        }
    }

    @Test("a gap divides a curve, and neither bridges nor drops points")
    func gaps() throws {
        let chart = LineChart(
            "T", summary: "S", xTitle: "x",
            series: [line("a", [(0, 1), (1, 2), (2, .nan), (3, 2), (4, 1)], 1)])
        let drawing = try check(chart)
        let path = try #require(drawing.all("path", "line").first?.attributes["d"])
        #expect(path.filter { $0 == "M" }.count == 2)
        #expect(path.filter { $0 == "L" }.count == 2)
    }

    @Test("a higher value is drawn higher, a later one farther right")
    func directions() throws {
        let chart = LineChart(
            "T", summary: "S", xTitle: "x", series: [line("a", [(0, 1), (1, 2), (2, 3)], 0)])
        let marks = try check(chart).all("circle").filter { ($0.number("r") ?? 0) > 0 }.dropFirst()
        let x = marks.compactMap { $0.number("cx") }
        let y = marks.compactMap { $0.number("cy") }
        #expect(x.count == 3 && x == x.sorted())
        #expect(y == y.sorted(by: >))
    }

    @Test("series differ in more than color: markers of six shapes")
    func markers() {
        var shapes: Set<String> = []
        for style in 0..<SeriesStyle.count {
            var svg = SVGBuilder()
            SeriesStyle.marker(&svg, (50, 50), style, size: 4)
            shapes.insert(svg.body.replacing(/\sclass="[^"]*"/, with: ""))
        }
        #expect(shapes.count == SeriesStyle.count)
    }

    @Test("names of points do not lie on one another")
    func labels() throws {
        let points = [
            ScatterChart.Point("teacher", x: 90e6, y: 0.871, style: 0),
            .init("student", x: 69e6, y: 0.852, style: 1), .init("student-int8", x: 18e6, y: 0.851, style: 2),
            .init("narrow", x: 18.3e6, y: 0.85, style: 3), .init("narrow-int8", x: 5e6, y: 0.849, style: 4),
        ]
        let chart = ScatterChart(
            "T", summary: "S", xTitle: "bytes", points: points, xFormat: .bytes, yFormat: .percent)
        let drawing = try check(chart)
        let boxes = drawing.all("text", "label").map { text -> (Double, Double, Double, Double) in
            let width = TextSize.width(text.text)
            let x = text.number("x") ?? 0
            let y = text.number("y") ?? 0
            let start =
                switch text.attributes["text-anchor"] {
                case "end": x - width
                case "middle": x - width / 2
                default: x
                }
            return (start, y - 10, start + width, y + 2)
        }
        #expect(boxes.count == points.count)
        for (index, a) in boxes.enumerated() {
            for b in boxes.dropFirst(index + 1) {
                #expect(!(a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3))
            }
        }
    }

    @Test("points that no logarithmic axis has are left out, and many points stay inside")
    func scatter() throws {
        func chart(_ points: [ScatterChart.Point]) -> ScatterChart {
            ScatterChart("T", summary: "S", xTitle: "x", points: points, xFormat: .bytes, yFormat: .percent)
        }
        let drawing = try check(
            chart([
                .init("zero", x: 0, y: 0.5, style: 0), .init("minus", x: -1, y: 0.5, style: 0),
                .init("nan", x: 5, y: .nan, style: 0), .init("good", x: 5, y: 0.5, style: 0),
            ]))
        #expect(drawing.all("text", "label").map(\.text) == ["good"])
        try check(chart([]))
        try check(chart([.init("one", x: 1, y: 0.5, style: 0)]))
        try check(
            chart((0..<60).map { .init("model \($0)", x: pow(1.3, Double($0)), y: 0.5, style: $0) }))
    }

    @Test("bars are as long as their values, and none leaves the drawing")
    func bars() throws {
        let chart = BarChart(
            "T", summary: "S", categories: ["a", "b", "c", "d"],
            series: [
                .init("teacher", [1, 0.5, 0, .nan], style: 0),
                .init("student", [0.25, 2, -1, 0.5], style: 1),
            ], format: .percent)
        let drawing = try check(chart)
        let widths = drawing.all("rect", "s1").dropFirst().compactMap { $0.number("width") }
        #expect(widths.count == 3)
        #expect(abs(widths[1] / widths[0] - 0.5) < 0.01)
        try check(BarChart("T", summary: "S", categories: [], series: [], format: .percent))
    }

    @Test("confusion matrices from one class to 77", arguments: [0, 1, 2, 3, 10, 11, 77])
    func confusion(_ size: Int) throws {
        let labels = (0..<size).map { "a rather long name of class \($0)" }
        var counts = (0..<size).map { row in
            (0..<size).map { $0 == row ? 40 : ($0 + row).isMultiple(of: 9) ? 1 : 0 }
        }
        if size > 2 { counts[1] = [Int](repeating: 0, count: size) }
        let drawing = try check(
            ConfusionMatrixChart("T", summary: "S", labels: labels, counts: counts))
        let cells = drawing.all("rect", "cell")
        let filled = counts.joined().count { $0 > 0 }
        #expect(cells.count == (size <= ConfusionMatrixChart.mostNumbers ? size * size : filled))
        // A cell can still be told from its neighbor.
        #expect(cells.allSatisfy { ($0.number("width") ?? 0) >= 4 })
        #expect(drawing.size.height < 480)
    }

    @Test("a matrix whose rows are ragged, or that has no names, is drawn as far as it goes")
    func ragged() throws {
        try check(
            ConfusionMatrixChart("T", summary: "S", labels: ["a", "b", "c"], counts: [[1], [2, 3, 4], []]))
        try check(ConfusionMatrixChart("T", summary: "S", labels: [], counts: [[1, 2], [3, 4]]))
    }

    @Test("the reliability diagram: bins without answers are not drawn, marks lie at confidence and accuracy")
    func reliability() throws {
        let bins = [
            CalibrationBin(lower: 0, upper: 0.5, count: 0, confidence: 0.25, accuracy: 0),
            CalibrationBin(lower: 0.5, upper: 0.75, count: 10, confidence: 0.6, accuracy: 0.5),
            CalibrationBin(lower: 0.75, upper: 1, count: 30, confidence: 0.9, accuracy: 0.9),
        ]
        let drawing = try check(
            ReliabilityDiagram("T", summary: "S", series: [.init("model", bins, style: 0)]))
        // The first circle is the legend's.
        #expect(drawing.all("circle").count == 3)
        let diagonal = try #require(drawing.all("line", "diagonal").first)
        let last = try #require(drawing.all("circle").last)
        let (x1, x2) = (try #require(diagonal.number("x1")), try #require(diagonal.number("x2")))
        let (y1, y2) = (try #require(diagonal.number("y1")), try #require(diagonal.number("y2")))
        #expect(abs((last.number("cx") ?? 0) - (x1 + 0.9 * (x2 - x1))) < 0.02)
        #expect(abs((last.number("cy") ?? 0) - (y1 + 0.9 * (y2 - y1))) < 0.02)
        try check(ReliabilityDiagram("T", summary: "S", series: []))
    }

    @Test("any text is shown and never becomes markup", arguments: hostile)
    func texts(_ text: String) throws {
        let point = ChartPoint(1, 0.5)
        var line = LineChart(
            text, summary: text, xTitle: text, series: [.init(text, [point, ChartPoint(2, 1)], style: 0)])
        line.references = [.init(text, 0.3, style: 2)]
        line.mark = (text, 1)
        try check(line)
        try check(
            ScatterChart(
                text, summary: text, xTitle: text, points: [.init(text, x: 1, y: 1, style: 0)],
                xFormat: .plain, yFormat: .plain))
        try check(
            BarChart(
                text, summary: text, categories: [text], series: [.init(text, [0.5], style: 0)],
                format: .percent))
        try check(
            ConfusionMatrixChart(text, summary: text, labels: [text, text], counts: [[1, 2], [3, 4]]))
        try check(ReliabilityDiagram(text, summary: text, series: [.init(text, [], style: 0)]))
    }
}
