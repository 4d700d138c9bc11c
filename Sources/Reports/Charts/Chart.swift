/// A chart with a description for screen readers.
public protocol Chart: Sendable {
    /// The chart's title.
    var title: String { get }
    /// A description of what the chart shows, in a sentence or two.
    var summary: String { get }

    /// The chart as an inline SVG element.
    ///
    /// It has the role of an image, a title and a description, no script, no style of its own, and loads nothing: colors
    /// come from the page's style sheet, by class.
    ///
    /// - Parameter identifier: Unique in the page, of letters, digits and hyphens.
    func svg(identifier: String) -> String
}

/// A point of a series.
public struct ChartPoint: Sendable, Equatable {
    public var x: Double
    public var y: Double

    public init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }

    var isFinite: Bool { x.isFinite && y.isFinite }
}
