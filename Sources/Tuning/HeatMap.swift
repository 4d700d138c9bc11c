import Distillation
import Foundation

/// The metric by two of the searched settings, as a picture: ``svg``.
///
/// A cell shows the best trial that has its two values, whatever its other settings were. The lighter, the better.
public struct HeatMap: Sendable, Equatable {
    /// The setting from left to right.
    public let x: HeatMapAxis
    /// The setting from bottom to top (values that are no numbers from top to bottom); `nil` where only one setting was
    /// searched.
    public let y: HeatMapAxis?
    /// The cells by position on ``y``, then by position on ``x``.
    public let cells: [[Cell]]
    /// The metric and the settings that are shown.
    public let title: String
    /// The folds, the other settings, and the number of trials.
    public let subtitle: String
    let metric: TuningMetric

    /// The result for a pair of values.
    public enum Cell: Sendable, Equatable {
        /// No trial had these values, or none was finished.
        case empty
        /// The trials with these values failed.
        case failed
        /// The best trial with these values.
        case trial(TuningReport.Trial)

        /// The mean of the metric over the folds.
        public var mean: Double? {
            if case .trial(let trial) = self { trial.mean } else { nil }
        }
    }

    /// Creates the map of a search's results.
    ///
    /// - Parameters:
    ///   - report: The results.
    ///   - axes: The settings along x and y, one or two; `nil` chooses those with the most different values.
    /// - Throws: `DistillationError` for axes that were not searched.
    public init(_ report: TuningReport, axes: [String]? = nil) throws {
        let values = report.space.map { dimension in
            report.trials.compactMap { $0.settings[dimension.name].map({ SearchValue($0) }) }
        }
        let chosen = try axes.map { try Self.indices(of: $0, in: report) } ?? Self.widest(values)
        guard let first = chosen.first else {
            throw DistillationError("a heat map needs a setting that was searched; the report has none")
        }
        let x = HeatMapAxis(report.space[first], values: values[first])
        let y = chosen.dropFirst().first.map { HeatMapAxis(report.space[$0], values: values[$0]) }
        var cells = [[Cell]](
            repeating: [Cell](repeating: .empty, count: x.count), count: y?.count ?? 1)
        // Trials come best first: the first one of a cell is its best.
        for trial in report.trials where trial.state != .incomplete {
            func position(_ axis: HeatMapAxis) -> Int? {
                trial.settings[axis.name].flatMap { axis.position(of: SearchValue($0)) }
            }
            guard let column = position(x), let row = y == nil ? 0 : y.flatMap(position) else { continue }
            if cells[row][column] == .empty {
                cells[row][column] = trial.state == .failed ? .failed : .trial(trial)
            }
        }
        self.x = x
        self.y = y
        self.cells = cells
        metric = report.metric
        title = "\(report.metric.name) by \(x.name)" + (y.map { " and \($0.name)" } ?? "")
        let others = report.names.filter { $0 != x.name && $0 != y?.name }
        var parts = [
            report.folds > 1 ? "mean ± deviation over \(report.folds) folds" : "one validation set"
        ]
        if !others.isEmpty { parts.append("best over " + others.joined(separator: ", ")) }
        parts.append("\(report.trials.count) trials")
        subtitle = parts.joined(separator: "; ")
    }

    private static func indices(of names: [String], in report: TuningReport) throws -> [Int] {
        guard (1...2).contains(names.count), Set(names).count == names.count else {
            throw DistillationError(
                "axes must be one or two different settings, got '\(names.joined(separator: ","))'")
        }
        return try names.map { name in
            guard let index = report.names.firstIndex(of: name) else {
                throw DistillationError(
                    "axes: '\(name)' was not searched; choose from \(report.names.joined(separator: ", "))")
            }
            return index
        }
    }

    /// The indices of the two settings with the most values; of one, where nothing else varies.
    private static func widest(_ values: [[SearchValue]]) -> [Int] {
        let counts = values.map { Set($0).count }
        let sorted = counts.indices.sorted { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] > counts[$1] }
        return sorted.prefix(2).enumerated().filter { $0.offset == 0 || counts[$0.element] > 1 }.map(
            \.element)
    }
}
