import Foundation

/// F1 and confusions by class, and calibration.
extension PageBuilder {
    /// The most classes that a bar chart shows.
    private static let mostBars = 15
    /// The maximum number of classes for which the whole matrix is given as a table.
    private static let mostColumns = 25

    /// The models of a run that belong side by side.
    private func pair(_ run: RunFiles) -> [ModelFigures] { run.models.filter { $0.role != .baseline } }

    mutating func classes(_ run: RunFiles) -> [Block] {
        let evaluated = pair(run)
        guard let own = run.own else { return [] }
        var pictures: [Figure] = []
        var blocks: [Block] = []
        if own.f1.count > 1 || own.problemType == "multi_label_classification", !own.f1.isEmpty {
            let series = evaluated.filter { $0.f1.count == own.f1.count }
            var places = Array(own.f1.indices)
            let isCut = places.count > Self.mostBars
            if isCut {
                places = Array(places.sorted { own.f1[$0].value < own.f1[$1].value }.prefix(Self.mostBars))
            }
            let rows = own.f1.indices.map { place in
                PageRow(
                    head: own.f1[place].label,
                    cells: series.map { NumberText.percent.text($0.f1[place].value) })
            }
            let worst = own.f1.min { $0.value < $1.value }
            let chart = BarChart(
                isCut ? "F1 of the \(Self.mostBars) hardest classes" : "F1 by class",
                summary: worst.map {
                    "The hardest class for \(own.name) is \($0.label), with an F1 of \(NumberText.percent.text($0.value))."
                } ?? "", categories: places.map { own.f1[$0].label },
                series: series.map { model in
                    .init(model.name, places.map { model.f1[$0].value }, style: style(of: model))
                }, format: .percent)
            pictures.append(
                figure(
                    chart,
                    numbers: table(
                        "F1 by class", corner: "class", columns: series.map(\.name), rows: rows)))
        }
        let labels = run.labels
        for model in evaluated {
            guard let matrix = model.confusion, matrix.count > 1, matrix.count == labels.count else {
                continue
            }
            pictures.append(matrixFigure(model, matrix, labels))
        }
        if !pictures.isEmpty { blocks.append(.figures(pictures)) }
        if let counts = exampleCounts(run) { blocks.append(counts) }
        if let matrix = own.confusion, matrix.count == labels.count,
            let block = confusions(own, matrix, labels)
        {
            blocks.append(block)
        }
        return blocks
    }

    /// A table of the number of examples of each class in a run's data.
    private mutating func exampleCounts(_ run: RunFiles) -> Block? {
        let rows = (run.record["classes"]?.arrayValue ?? []).compactMap { entry -> PageRow? in
            guard let entry = entry.objectValue, let label = entry["label"]?.stringValue,
                let train = entry["train"]?.intValue, let validation = entry["validation"]?.intValue
            else { return nil }
            return PageRow(head: label, cells: [String(train), String(validation)])
        }
        guard !rows.isEmpty else { return nil }
        return .folded(
            "Number of examples by class",
            table("Examples by class", corner: "class", columns: ["training", "validation"], rows: rows))
    }

    private mutating func matrixFigure(
        _ model: ModelFigures, _ matrix: [[Int]], _ labels: [String]
    ) -> Figure {
        let right = matrix.indices.reduce(0) { $0 + (matrix[$1].indices.contains($1) ? matrix[$1][$1] : 0) }
        let all = matrix.joined().reduce(0, +)
        let chart = ConfusionMatrixChart(
            "Confusion matrix of \(model.name)",
            summary: "\(right) of \(all) examples are on the diagonal: classified correctly.", labels: labels,
            counts: matrix)
        let numbers =
            labels.count > Self.mostColumns
            ? nil
            : table(
                "Confusion matrix of \(model.name): rows are true, columns predicted", corner: "true",
                columns: labels,
                rows: zip(labels, matrix).map { PageRow(head: $0, cells: $1.map(String.init)) })
        return figure(
            chart, note: "The darker a cell, the larger its fraction of the class.", numbers: numbers)
    }

    /// The pairs of classes that are mistaken most.
    private mutating func confusions(
        _ model: ModelFigures, _ matrix: [[Int]], _ labels: [String]
    ) -> Block? {
        guard labels.count > 2 else { return nil }
        var pairs: [(truth: Int, answer: Int, count: Int)] = []
        for (truth, row) in matrix.enumerated() {
            for (answer, count) in row.enumerated() where answer != truth && count > 0 {
                pairs.append((truth, answer, count))
            }
        }
        guard !pairs.isEmpty else { return nil }
        pairs.sort { ($1.count, $0.truth, $0.answer) < ($0.count, $1.truth, $1.answer) }
        let rows = pairs.prefix(15).map { pair in
            let total = matrix[pair.truth].reduce(0, +)
            return PageRow(
                head: labels[pair.truth],
                cells: [
                    labels[pair.answer], String(pair.count),
                    NumberText.percent.text(Double(pair.count) / Double(max(1, total))),
                ])
        }
        return .folded(
            "Most frequent confusions of \(model.name)",
            table(
                "The most frequent confusions of \(model.name)", corner: "true class",
                columns: ["predicted", "examples", "of the class"], rows: Array(rows)))
    }

    mutating func calibration(_ run: RunFiles) -> [Block] {
        guard let analysis = run.analysis, let own = run.own else { return [] }
        let reference = run.models.first {
            $0.role == .teacher || $0.role == .model && run.kind == .quantized
        }
        var series: [ReliabilityDiagram.Series] = []
        if let bins = analysis.teacherCalibration {
            series.append(
                .init(reference?.name ?? "teacher", bins, style: reference.map { style(of: $0) } ?? 0))
        }
        if let bins = analysis.studentCalibration {
            series.append(.init(own.name, bins, style: style(of: own)))
        }
        guard !series.isEmpty else { return [] }
        let words = series.map { series in
            "\(series.name): calibration error "
                + (CalibrationBin.expectedError(series.bins).map(NumberText.fourDigits.text) ?? "–")
        }
        let rows = Self.calibrationRows(series)
        let averages = Self.calibrationAverages(series)
        return [
            .paragraph(
                "On the diagonal, accuracy equals confidence; below it, the model is overconfident. Larger marks stand for "
                    + "more predictions. On average \(averages.joined(separator: "; "))."),
            .figures(
                [
                    figure(
                        ReliabilityDiagram(
                            "Accuracy by confidence", summary: words.joined(separator: "; ") + ".",
                            series: series
                        ),
                        note: words.joined(separator: "; ") + ".",
                        numbers: table(
                            "Predictions by confidence", corner: "confidence",
                            columns: series.flatMap {
                                [
                                    "\($0.name): predictions", "\($0.name): mean confidence",
                                    "\($0.name): accuracy",
                                ]
                            }, rows: rows))
                ], isWide: true),
        ]
    }

    /// Calibration bin by bin: each model's predictions, their mean confidence and their accuracy.
    private static func calibrationRows(_ series: [ReliabilityDiagram.Series]) -> [PageRow] {
        series[0].bins.indices.map { place in
            PageRow(
                head:
                    "\(NumberText.percent.tick(series[0].bins[place].lower, step: 0.01)) to "
                    + NumberText.percent.tick(series[0].bins[place].upper, step: 0.01),
                cells: series.flatMap { series -> [String] in
                    guard series.bins.indices.contains(place), series.bins[place].count > 0 else {
                        return ["0", "", ""]
                    }
                    let bin = series.bins[place]
                    return [
                        String(bin.count), NumberText.percent.text(bin.confidence),
                        NumberText.percent.text(bin.accuracy),
                    ]
                })
        }
    }

    /// Mean confidence and accuracy of each model over all bins, in words.
    private static func calibrationAverages(_ series: [ReliabilityDiagram.Series]) -> [String] {
        let counts = zip(series, series.map { $0.bins.reduce(0) { $0 + $1.count } })
        return counts.compactMap { series, count -> String? in
            guard count > 0 else { return nil }
            let sure = series.bins.reduce(0) { $0 + $1.confidence * Double($1.count) } / Double(count)
            let right = series.bins.reduce(0) { $0 + $1.accuracy * Double($1.count) } / Double(count)
            return "\(series.name) has a confidence of \(NumberText.percent.text(sure)) and an accuracy of "
                + NumberText.percent.text(right)
        }
    }
}
