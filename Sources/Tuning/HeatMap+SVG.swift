import Foundation
import Reports

extension HeatMap {
    /// The map as an SVG document: no scripts, and no fonts but the reader's own.
    public var svg: String { chart.file }

    private var chart: HeatMapChart {
        HeatMapChart(
            title: title, subtitle: subtitle, metric: metric.name,
            isMoreBetter: metric.direction == .maximize, x: x.chartAxis, y: y?.chartAxis,
            cells: cells.map { $0.map(Self.chartCell) })
    }

    private static func chartCell(_ cell: Cell) -> HeatMapChart.Cell {
        switch cell {
        case .empty: .empty
        case .failed: .failed
        case .trial(let trial):
            .value(
                HeatMapChart.Value(
                    mean: trial.mean ?? 0, deviation: trial.standardDeviation,
                    details: trial.budget < 1 ? [String(format: "%.3g %% budget", trial.budget * 100)] : [],
                    rank: trial.rank, tip: tip(trial)))
        }
    }

    private static func tip(_ trial: TuningReport.Trial) -> String {
        let settings = trial.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "rank \(trial.rank), trial \(trial.trial + 1): " + settings.joined(separator: ", ")
    }
}

extension HeatMapAxis {
    fileprivate var chartAxis: HeatMapChart.Axis {
        HeatMapChart.Axis(name: name, labels: labels, isBinned: isBinned, isNumeric: isNumeric)
    }
}
