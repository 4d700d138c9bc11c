import Foundation

/// Quality against size and latency, as pictures and as a table.
extension PageBuilder {
    mutating func tradeOff() -> [Block] {
        guard !models.isEmpty else { return [] }
        var blocks: [Block] = []
        let title = MetricText.title(mainMetric, problemType)
        let format = MetricText.format(mainMetric, problemType)
        let direction =
            MetricText.greaterIsBetter(mainMetric)
            ? "Up and to the left is better." : "Down and to the left is better."
        var pictures: [Figure] = []
        func chart(
            _ against: String, _ xTitle: String, _ xFormat: NumberText, _ value: (ModelFigures) -> Double?
        ) {
            let points = models.compactMap { model -> ScatterChart.Point? in
                guard let x = value(model), let y = model.metrics[mainMetric], y.isFinite else { return nil }
                return .init(model.name, x: x, y: y, style: style(of: model))
            }
            guard points.count > 1 else { return }
            let words = points.map { "\($0.name): \(format.text($0.y)) at \(xFormat.text($0.x))" }
            pictures.append(
                figure(
                    ScatterChart(
                        "\(title.prefix(1).uppercased())\(title.dropFirst()) against \(against)",
                        summary: words.joined(separator: "; ") + ". " + direction,
                        xTitle: xTitle, points: points, xFormat: xFormat, yFormat: format)))
        }
        chart("size", "weights on disk (logarithmic)", .bytes, \.bytes)
        if Set(models.map(\.readsPairs)).count == 1 {
            chart("latency", "median latency of one \(input) (logarithmic)", .milliseconds, \.p50)
        }
        if !pictures.isEmpty {
            blocks.append(.figures(pictures, isWide: true))
            blocks.append(.paragraph(direction + " The table below has the same numbers."))
        }
        blocks.append(.table(modelTable()))
        blocks += cautions()
        return blocks
    }

    /// What a latency is of.
    private var input: String {
        let pairs = models.filter(\.readsPairs).map(\.name)
        guard pairs.count < models.count else { return "pair" }
        return pairs.isEmpty ? "text" : "text (\(pairs.joined(separator: ", ")): one pair)"
    }

    private mutating func modelTable() -> PageTable {
        var rows: [PageRow] = []
        func add(_ name: String, _ format: NumberText, _ value: (ModelFigures) -> Double?) {
            let values = models.map(value)
            guard values.contains(where: { $0 != nil }) else { return }
            rows.append(PageRow(head: name, cells: values.map { $0.map(format.text) ?? "" }))
        }
        let names = MetricText.names(problemType)
        for name in [mainMetric] + names.filter({ $0 != mainMetric }) {
            add(MetricText.title(name, problemType), MetricText.format(name, problemType)) {
                $0.metrics[name]
            }
        }
        add(MetricText.title("agreement", problemType), MetricText.format("agreement", problemType)) {
            $0.agreement
        }
        add("KL to teacher", .fourDigits) { $0.kl }
        add("parameters", .count) { $0.parameters }
        add("weights on disk", .bytes) { $0.bytes }
        add("latency p50, one \(input)", .milliseconds) { $0.p50 }
        add("latency p95", .milliseconds) { $0.p95 }
        let data = Set(models.compactMap(\.dataName))
        let unit = TaskText.of(problemType).unit
        let examples = models.compactMap(\.examples).first
        let place =
            data.count == 1
            ? " on \(data.first ?? "")" + (examples.map { ", \($0) \(unit)" } ?? "") : ""
        return table("Models evaluated\(place)", corner: "figure", columns: models.map(\.name), rows: rows)
    }

    /// Caveats that a reader must know before comparing.
    private func cautions() -> [Block] {
        var blocks: [Block] = []
        let evaluated = models.filter { $0.role != .baseline && $0.dataDigest != nil }
        if Set(evaluated.compactMap(\.dataDigest)).count > 1 {
            let list = evaluated.map { "\($0.name) on \($0.dataName ?? "?")" }.joined(separator: ", ")
            blocks.append(
                .warning(
                    "These models were evaluated on different data (\(list)): their metrics are not comparable. Evaluate "
                        + "them on one file with distill evaluate."))
        } else if Set(models.compactMap(\.examples)).count > 1 {
            let list = models.compactMap { model in model.examples.map { "\(model.name): \($0)" } }
            blocks.append(
                .warning(
                    "These models were evaluated on different numbers of \(TaskText.of(problemType).unit) (\(list.joined(separator: ", ")))."
                ))
        }
        if isComparison, models.contains(where: { $0.p50 != nil }) {
            blocks.append(
                .paragraph(
                    "Latencies come from each run’s own measurement. Models of one run were timed in turn on the same "
                        + "texts; between runs the machine may have been busier or not."))
        }
        return blocks
    }
}
