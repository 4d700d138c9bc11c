import Foundation

/// A number by two settings as a grid of colored cells: the lighter, the better.
public struct HeatMapChart: Sendable {
    /// The positions along one side of the grid.
    public struct Axis: Sendable {
        public var name: String
        /// The label of each position; if positions are bins, of each edge between them, one more than positions.
        public var labels: [String]
        /// True if positions are bins of numbers.
        public var isBinned: Bool
        /// True if positions are numbers in order of size, which rise from the bottom.
        public var isNumeric: Bool

        public init(name: String, labels: [String], isBinned: Bool, isNumeric: Bool) {
            self.name = name
            self.labels = labels
            self.isBinned = isBinned
            self.isNumeric = isNumeric
        }

        var count: Int { isBinned ? labels.count - 1 : labels.count }
        var widest: Double {
            labels.map { SVGBuilder.width(MarkupText.shortened($0, HeatMapDrawing.longest), size: 13) }.max()
                ?? 0
        }
    }

    /// The contents of a cell.
    public enum Cell: Sendable {
        case empty
        case failed
        case value(Value)
    }

    /// A value with its details.
    public struct Value: Sendable {
        public var mean: Double
        public var deviation: Double?
        /// Other remarks, a line each.
        public var details: [String]
        /// 1 is the best.
        public var rank: Int
        /// The text shown when the pointer rests on the cell.
        public var tip: String

        public init(mean: Double, deviation: Double?, details: [String], rank: Int, tip: String) {
            self.mean = mean
            self.deviation = deviation
            self.details = details
            self.rank = rank
            self.tip = tip
        }
    }

    public var title: String
    public var subtitle: String
    /// The metric's name.
    public var metric: String
    /// True if larger values are better.
    public var isMoreBetter: Bool
    public var x: Axis
    /// `nil` for a single row.
    public var y: Axis?
    /// By position on ``y``, then by position on ``x``.
    public var cells: [[Cell]]

    public init(
        title: String, subtitle: String, metric: String, isMoreBetter: Bool, x: Axis, y: Axis?,
        cells: [[Cell]]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.metric = metric
        self.isMoreBetter = isMoreBetter
        self.x = x
        self.y = y
        self.cells = cells
    }

    /// The chart as an SVG file: no scripts, and no fonts but the reader's own.
    public var file: String {
        var drawing = HeatMapDrawing(self)
        return drawing.file()
    }
}
