import Foundation
import JSON

/// The section of training curves.
extension PageBuilder {
    /// An evaluation on the validation data.
    private struct Evaluation {
        var step: Double
        var trainLoss: Double
        var values: [String: Double]
        var epoch: Double
        var isBest: Bool
    }

    /// The learning curves of a run: log steps of training and evaluations on the validation data.
    private struct Curves {
        let history: [HistoryPoint]
        let evaluations: [Evaluation]

        init(_ run: RunFiles) {
            history = run.history
            evaluations = (run.record["epochs"]?.arrayValue ?? []).compactMap { value -> Evaluation? in
                guard let object = value.objectValue, let step = object["step"]?.doubleValue else {
                    return nil
                }
                var values: [String: Double] = [:]
                for (key, value) in object["validation"]?.objectValue ?? JSONObject() {
                    values[key] = value.doubleValue
                }
                return Evaluation(
                    step: step, trainLoss: object["train_loss"]?.doubleValue ?? .nan, values: values,
                    epoch: object["epoch"]?.doubleValue ?? .nan,
                    isBest: object["is_best"]?.boolValue ?? false)
            }
        }

        /// The step of the evaluation whose weights were saved.
        var best: Double? { evaluations.last { $0.isBest }?.step }

        /// The names of the loss's terms, in order.
        var terms: [String] {
            history.reduce(into: [String]()) { names, point in
                for term in point.terms where !names.contains(term.name) { names.append(term.name) }
            }
        }

        func steps(_ value: (HistoryPoint) -> Double) -> [ChartPoint] {
            history.map { ChartPoint(Double($0.step), value($0)) }
        }

        func validation(_ name: String) -> [ChartPoint] {
            evaluations.compactMap { evaluation in
                evaluation.values[name].map { ChartPoint(evaluation.step, $0) }
            }
        }

        /// The training loss and, if there are several, its terms before their weights.
        func losses(_ names: [String]) -> [LineChart.Series] {
            let total: [ChartPoint] =
                history.isEmpty ? evaluations.map { ChartPoint($0.step, $0.trainLoss) } : steps(\.loss)
            let whole = LineChart.Series(
                names.count < 2 ? "loss" : "loss, weighted sum", total, style: 1)
            guard names.count > 1 else { return [whole] }
            let terms: [LineChart.Series] = names.prefix(5).enumerated().map { place, name in
                LineChart.Series(
                    name, steps { point in point.terms.first { $0.name == name }?.value ?? .nan },
                    style: [0, 2, 3, 4, 5][place])
            }
            return [whole] + terms
        }
    }

    mutating func curves(_ run: RunFiles) -> [Block] {
        let curves = Curves(run)
        guard !curves.history.isEmpty || !curves.evaluations.isEmpty else { return [] }
        let teacher = run.models.first { $0.role == .teacher }
        var pictures: [Figure] = []
        func add(
            _ title: String, _ series: [LineChart.Series], references: [LineChart.Reference] = [],
            format: NumberText = .plain, isFromZero: Bool = false, marksBest: Bool = false
        ) {
            let shown = series.filter { $0.points.contains { $0.y.isFinite } }
            guard !shown.isEmpty else { return }
            var chart = LineChart(
                title, summary: Self.words(shown, references, format), xTitle: "optimizer step", series: shown
            )
            chart.references = references
            chart.format = format
            chart.isFromZero = isFromZero
            if marksBest, curves.evaluations.count > 1 { chart.mark = curves.best.map { ("saved", $0) } }
            pictures.append(figure(chart, numbers: numbers(title, shown, format)))
        }

        let names = curves.terms
        add(
            names.count < 2 ? "Training loss" : "Training loss and its terms, before their weights",
            curves.losses(names), isFromZero: true)
        let main = mainMetric
        for name in [main, "loss", "kl", "agreement"] {
            let format = MetricText.format(name, problemType)
            var reference: [LineChart.Reference] = []
            if name == main || name == "loss", let value = teacher?.metrics[name], value.isFinite {
                reference = [.init("teacher, validation", value, style: 0)]
            }
            let title = MetricText.title(name, problemType)
            // The loss that is minimized is another one: it has its own picture.
            let training = name == "loss" ? [] : curves.steps { $0.metric(name) ?? .nan }
            add(
                title.prefix(1).uppercased() + title.dropFirst(),
                [
                    .init("training", training, style: 5),
                    .init("validation", curves.validation(name), style: 1),
                ], references: reference, format: format == .fourDigits ? .plain : format, marksBest: true)
        }
        add(
            "Learning rate", [.init("learning rate", curves.steps(\.learningRate), style: 1)],
            isFromZero: true)
        add(
            "Gradient norm", [.init("norm before clipping", curves.steps(\.gradNorm), style: 1)],
            isFromZero: true)
        add(
            "Throughput, examples a second",
            [.init("examples a second", curves.steps(\.examplesPerSecond), style: 1)], format: .count,
            isFromZero: true)
        let blocks = Self.notes(run, curves)
        return pictures.isEmpty ? blocks : blocks + [.figures(pictures)]
    }

    /// The evaluation whose weights were saved, and the stages of training, in words.
    private static func notes(_ run: RunFiles, _ curves: Curves) -> [Block] {
        var blocks: [Block] = []
        if let epoch = run.record["best_epoch"]?.doubleValue, curves.evaluations.count > 1 {
            blocks.append(
                .paragraph(
                    "The model was evaluated \(curves.evaluations.count) times; the best, after epoch "
                        + String(format: "%.2f", epoch) + ", was saved."))
        }
        let stages = curves.history.reduce(into: [(String, Int)]()) { stages, point in
            if let stage = point.stage, stages.last?.0 != stage { stages.append((stage, point.step)) }
        }
        if stages.count > 1 {
            let list = stages.map { "\($0.0) (from step \($0.1))" }.joined(separator: ", ")
            blocks.append(.paragraph("Stages: \(list)."))
        }
        return blocks
    }

    /// First and last value of each series.
    private static func words(
        _ series: [LineChart.Series], _ references: [LineChart.Reference], _ format: NumberText
    ) -> String {
        let parts = series.compactMap { series -> String? in
            let points = series.points.filter(\.isFinite)
            guard let first = points.first, let last = points.last else { return nil }
            guard points.count > 1 else { return "\(series.name): \(format.text(last.y))" }
            return
                "\(series.name): from \(format.text(first.y)) at step \(NumberText.plain.text(first.x)) to "
                + "\(format.text(last.y)) at step \(NumberText.plain.text(last.x))"
        }
        return (parts + references.map { "\($0.name): \(format.text($0.value))" }).joined(separator: "; ")
            + "."
    }

    /// The maximum number of rows in a chart's table; of more points, evenly spaced ones.
    private static let mostRows = 24

    private mutating func numbers(
        _ title: String, _ series: [LineChart.Series], _ format: NumberText
    ) -> PageTable {
        var values: [Double: [Int: Double]] = [:]
        for (place, one) in series.enumerated() {
            for point in one.points where point.isFinite { values[point.x, default: [:]][place] = point.y }
        }
        // Of many log steps a part; every evaluation.
        let sparse = series.enumerated().filter { $0.element.points.count <= Self.mostRows }.map(\.offset)
        let all = values.keys.sorted()
        let stride = max(1, (all.count + Self.mostRows - 1) / Self.mostRows)
        let shown = all.enumerated().filter { index, step in
            index.isMultiple(of: stride) || index == all.count - 1
                || sparse.contains { values[step]?[$0] != nil }
        }.map(\.element)
        return table(
            title, corner: "step", columns: series.map(\.name),
            rows: shown.map { step in
                PageRow(
                    head: NumberText.plain.text(step),
                    cells: series.indices.map { values[step]?[$0].map(format.text) ?? "" })
            })
    }
}
