import Foundation
import JSON

/// The section on the improvement over the baseline, on seeds and on the test data.
extension PageBuilder {
    mutating func improvement(_ run: RunFiles) -> [Block] {
        var blocks: [Block] = []
        for (object, data) in [
            (run.record["gain"]?.objectValue, "validation"),
            (run.record["test"]?.objectValue?["gain"]?.objectValue, "test"),
        ] {
            guard let object, let sentence = gain(object, data) else { continue }
            blocks.append(.paragraph(sentence))
            if let table = measures(object, data) { blocks.append(.table(table)) }
        }
        if let seeds = run.record["seeds"]?.objectValue {
            blocks += seedTable(seeds, hasTest: run.record["test"]?.objectValue != nil)
        }
        return blocks
    }

    private func gain(_ gain: JSONObject, _ data: String) -> String? {
        func number(_ name: String) -> Double? { gain[name]?.doubleValue }
        guard let metric = gain["metric"]?.stringValue, let own = number("student"),
            let other = number("baseline"), let difference = number("difference"), let low = number("low"),
            let high = number("high")
        else { return nil }
        let format = MetricText.format(metric, problemType)
        let isSignificant = number("p_value").map { $0 < 0.05 } ?? true
        let verdict =
            low > 0 && isSignificant
            ? "The teacher helped"
            : high < 0 && isSignificant ? "The teacher hurt" : "The difference is not significant"
        let p = number("p_value").map { String(format: ", p = %.3g", $0) } ?? ""
        guard MetricText.greaterIsBetter(metric) else {
            return
                "\(verdict): on the \(data) data \(MetricText.title(metric, problemType)), of which less is better, is "
                + "\(format.text(own)) with the teacher and \(format.text(other)) without, an improvement of "
                + "\(format.signed(difference)) (95 % interval \(format.signed(low)) to \(format.signed(high))\(p))."
        }
        return
            "\(verdict): on the \(data) data \(MetricText.title(metric, problemType)) is \(format.text(own)) with the "
            + "teacher and \(format.text(other)) without, a difference of \(format.signed(difference)) "
            + "(95 % interval \(format.signed(low)) to \(format.signed(high))\(p))."
    }

    /// All measures of a comparison that has several.
    private mutating func measures(_ gain: JSONObject, _ data: String) -> PageTable? {
        let others = gain["others"]?.arrayValue?.compactMap(\.objectValue) ?? []
        guard !others.isEmpty else { return nil }
        let rows = ([gain] + others).compactMap { measure -> PageRow? in
            guard let metric = measure["metric"]?.stringValue else { return nil }
            let format = MetricText.format(metric, problemType)
            func cell(_ name: String, _ text: (Double) -> String) -> String {
                measure[name]?.doubleValue.map(text) ?? ""
            }
            return PageRow(
                head: MetricText.directedTitle(metric, problemType),
                cells: [
                    cell("student", format.text), cell("baseline", format.text),
                    cell("difference", format.signed),
                    "\(cell("low", format.signed)) to \(cell("high", format.signed))",
                ])
        }
        return table(
            "The student with and without the teacher, on the \(data) data", corner: "measure",
            columns: ["student", "without the teacher", "better by", "95 % interval"], rows: rows)
    }

    private mutating func seedTable(_ seeds: JSONObject, hasTest: Bool) -> [Block] {
        let runs = seeds["runs"]?.arrayValue?.compactMap(\.objectValue) ?? []
        guard !runs.isEmpty else { return [] }
        // Records name it; those before did not need to.
        let metric = seeds["student"]?.objectValue?["metric"]?.stringValue ?? mainMetric
        let format = MetricText.format(metric, problemType)
        let title = MetricText.directedTitle(metric, problemType)
        var rows = runs.map { run in
            let gain = run["gain"]?.objectValue?["difference"]?.doubleValue
            return PageRow(
                head: run["seed"]?.intValue.map(String.init) ?? "",
                cells: [
                    run["student"]?.objectValue?[metric]?.doubleValue.map(format.text) ?? "",
                    run["baseline"]?.objectValue?[metric]?.doubleValue.map(format.text) ?? "",
                    gain.map(format.signed) ?? "",
                ])
        }
        func summary(_ name: String, _ text: (Double) -> String) -> String {
            guard let statistics = seeds[name]?.objectValue, let mean = statistics["mean"]?.doubleValue,
                let deviation = statistics["standard_deviation"]?.doubleValue
            else { return "" }
            return "\(text(mean)) ± \(format.text(deviation))"
        }
        rows.append(
            PageRow(
                head: "mean ± standard deviation",
                cells: [
                    summary("student", format.text), summary("baseline", format.text),
                    summary("gain", format.signed),
                ]
            ))
        let isLess = !MetricText.greaterIsBetter(metric)
        let saved = seeds["saved"]?.intValue.map { " The model of seed \($0) was saved." } ?? ""
        let data = hasTest ? "test" : "validation"
        return [
            .table(
                table(
                    "\(title.prefix(1).uppercased())\(title.dropFirst()) of \(runs.count) repetitions on the \(data) data.\(saved)",
                    corner: "seed",
                    columns: ["student", "without the teacher", isLess ? "better by" : "difference"],
                    rows: rows))
        ] + seedMeasures(seeds, data)
    }

    /// The further measures over the seeds.
    private mutating func seedMeasures(_ seeds: JSONObject, _ data: String) -> [Block] {
        let measures = seeds["others"]?.arrayValue?.compactMap(\.objectValue) ?? []
        let rows = measures.compactMap { measure -> PageRow? in
            guard let metric = measure["student"]?.objectValue?["metric"]?.stringValue else { return nil }
            let format = MetricText.format(metric, problemType)
            func cell(_ name: String, _ text: (Double) -> String) -> String {
                guard let spread = measure[name]?.objectValue, let mean = spread["mean"]?.doubleValue,
                    let deviation = spread["standard_deviation"]?.doubleValue
                else { return "" }
                return "\(text(mean)) ± \(format.text(deviation))"
            }
            return PageRow(
                head: MetricText.directedTitle(metric, problemType),
                cells: [
                    cell("student", format.text), cell("baseline", format.text), cell("gain", format.signed),
                ])
        }
        guard !rows.isEmpty else { return [] }
        return [
            .table(
                table(
                    "Further measures of the repetitions on the \(data) data, mean ± standard deviation",
                    corner: "measure", columns: ["student", "without the teacher", "better by"], rows: rows))
        ]
    }

    mutating func test(_ run: RunFiles) -> [Block] {
        guard let test = run.record["test"]?.objectValue else { return [] }
        let data = test["data"]?.objectValue
        let names = [("teacher", ModelFigures.Role.teacher), ("student", .student), ("baseline", .baseline)]
        let evaluated = names.compactMap { name, role in
            ModelFigures(
                test[name], name: name == "baseline" ? "without teacher" : name, role: role, path: nil)
        }
        guard !evaluated.isEmpty else { return [] }
        var rows = MetricText.names(problemType).compactMap { name -> PageRow? in
            guard evaluated.contains(where: { $0.metrics[name] != nil }) else { return nil }
            let format = MetricText.format(name, problemType)
            return PageRow(
                head: MetricText.title(name, problemType),
                cells: evaluated.map { $0.metrics[name].map(format.text) ?? "" })
        }
        if let comparison = test["comparison"]?.objectValue {
            for (name, key) in [("agreement", "agreement"), ("kl", "kl")] {
                guard let value = comparison[key]?.doubleValue else { continue }
                rows.append(
                    PageRow(
                        head: MetricText.title(name, problemType),
                        cells: evaluated.map {
                            $0.role == .student ? MetricText.format(name, problemType).text(value) : ""
                        }))
            }
        }
        let file = data?["path"]?.stringValue.map { URL(filePath: $0).lastPathComponent } ?? "the test data"
        // What a file holds of a language model's data are texts.
        let unit = TaskText.of(problemType).unit
        let count =
            data?["examples"]?.intValue.map { ", \($0) \(unit == "tokens" ? "texts" : unit)" } ?? ""
        return [
            .paragraph(
                "No choice was based on these examples, so these results are to be expected on new texts."),
            .table(
                table(
                    "Evaluated on \(file)\(count)", corner: "figure", columns: evaluated.map(\.name),
                    rows: rows)
            ),
        ]
    }
}
