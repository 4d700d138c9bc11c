import Foundation

/// The page's message, and the figures that matter.
extension PageBuilder {
    /// The origin of a run's model, in one line.
    func origin(_ run: RunFiles) -> String {
        let settings = run.record["settings"]?.objectValue
        func name(_ path: String?) -> String? { path.map { URL(filePath: $0).lastPathComponent } }
        let train = run.record["train"]?.objectValue
        let data = name(train?["path"]?.stringValue).map { file in
            let count = train?["examples"]?.intValue.map { " (\($0) examples)" } ?? ""
            return " on \(file)\(count)"
        }
        switch run.kind {
        case .distilled:
            let others = (settings?["teachers"]?.arrayValue?.count ?? 1) - 1
            let teacher = run.teacherName ?? "a teacher"
            return "Distilled from \(teacher)\(others > 0 ? " and \(others) more" : "")\(data ?? "")"
        case .fineTuned:
            return "Fine-tuned from \(name(settings?["model"]?.stringValue) ?? "a model")\(data ?? "")"
        case .quantized:
            let type = run.record["method"]?.objectValue?["type"]?.stringValue
            let method = type.map { " (\($0))" } ?? ""
            return "Quantized\(method) from \(name(run.record["source"]?.stringValue) ?? "a model")"
        case .evaluated:
            let file = name(run.record["data"]?.objectValue?["path"]?.stringValue) ?? "labeled data"
            return "Evaluated on \(file)"
        }
    }

    func lede() -> [String] {
        if isComparison { return [comparisonSentence()].compactMap(\.self) }
        var sentences = [sentence(runs[0])].compactMap(\.self)
        if let test = testSentence(runs[0]) { sentences.append(test) }
        sentences += tokenSentences(runs[0])
        if let rounding = roundingSentence(runs[0]) { sentences.append(rounding) }
        if runs[0].record["interrupted"]?.boolValue == true {
            sentences.append("The run was stopped before its end; this is the best model so far.")
        }
        return sentences
    }

    private func sentence(_ run: RunFiles) -> String? {
        guard let own = run.own, let value = own.main else { return nil }
        let reference =
            run.models.first { $0.role == .teacher } ?? (run.kind == .quantized ? run.models.first : nil)
        let title = MetricText.title(own.mainMetric, own.problemType)
        let format = MetricText.format(own.mainMetric, own.problemType)
        let (subject, of) =
            run.kind == .quantized
            ? ("In int8 the model", "the original’s") : ("The student", "the teacher’s")
        if let reference, reference.main != nil, !MetricText.greaterIsBetter(own.mainMetric) {
            return lessIsBetter(own, reference, run)
        }
        guard let reference, let theirs = reference.main, theirs > 0 else {
            let data = own.dataName.map { " on \($0)" } ?? ""
            let common = majorityAccuracy(own).map {
                "; always predicting the majority class would give \(NumberText.percent.text($0))"
            }
            return "The model reaches \(title) \(format.text(value))\(data)"
                + (own.mainMetric == "accuracy" ? common ?? "" : "") + "."
        }
        let fraction = String(format: "%.1f %%", value / theirs * 100)
        var text =
            "\(subject) keeps \(fraction) of \(of) \(title) (\(format.text(value)) against \(format.text(theirs)))"
        text += sizeAndSpeed(own, reference, run)
        return text + "."
    }

    private func sizeAndSpeed(_ own: ModelFigures, _ reference: ModelFigures, _ run: RunFiles) -> String {
        var text = ""
        if let small = own.bytes, let large = reference.bytes {
            text += " at \(Self.size(small / large)) of its size"
            if run.rounding != nil { text += " before rounding" }
        }
        // Times of a pair and of a text are not compared.
        if let fast = own.p50, let slow = reference.p50, own.readsPairs == reference.readsPairs {
            text += ", and runs \(Self.speed(slow / fast))"
        }
        return text
    }

    /// The sentence on a model whose metric has no fraction to keep: how near it is to the teacher, and both metrics.
    private func lessIsBetter(_ own: ModelFigures, _ reference: ModelFigures, _ run: RunFiles) -> String {
        let (subject, of) =
            run.kind == .quantized
            ? ("The quantized model", "the original’s") : ("The student", "the teacher’s")
        var text = ""
        if let kl = own.kl {
            text =
                "The mean divergence of \(subject.prefix(1).lowercased() + subject.dropFirst()) from \(run.kind == .quantized ? "the original" : "the teacher") "
                + "is \(NumberText.fourDigits.text(kl)) (KL; 0 where they are the same)"
            if let agreement = own.agreement {
                text +=
                    ", and \(NumberText.percent.text(agreement)) of their most probable tokens are the same"
            }
            text += ". "
        }
        let format = MetricText.format(own.mainMetric, own.problemType)
        let (value, theirs) = (own.main ?? .nan, reference.main ?? .nan)
        return text
            + "\(subject) has \(MetricText.title(own.mainMetric, own.problemType)) \(format.text(value)) against \(of) "
            + "\(format.text(theirs))\(sizeAndSpeed(own, reference, run))."
    }

    /// 0.2 → "a fifth"-like words: "1/5.0".
    static func size(_ fraction: Double) -> String {
        fraction <= 0.67 ? String(format: "1/%.1f", 1 / fraction) : String(format: "%.0f %%", fraction * 100)
    }

    static func speed(_ ratio: Double) -> String {
        switch ratio {
        case ..<0.95: String(format: "at %.2f of its speed", ratio)
        case ..<1.05: "as fast"
        default: String(format: "%.1f times as fast", ratio)
        }
    }

    /// A sentence on the results on the test data, if there are any; no choice was based on them.
    private func testSentence(_ run: RunFiles) -> String? {
        guard let test = run.record["test"]?.objectValue,
            var own = ModelFigures(test["student"], name: "", role: .student, path: nil)
        else { return nil }
        var beside = ModelFigures(test["teacher"], name: "", role: .teacher, path: nil)
        if let metric = run.own?.mainMetric {
            own.mainMetric = metric
            beside?.mainMetric = metric
        }
        guard let value = own.main else { return nil }
        let format = MetricText.format(own.mainMetric, own.problemType)
        let teacher = beside?.main
        let isLess = !MetricText.greaterIsBetter(own.mainMetric)
        let unit = TaskText.of(own.problemType).unit
        let count = own.examples.map { "On \($0) test \(unit)" } ?? "On the test data"
        let result =
            isLess ? "its \(MetricText.title(own.mainMetric, own.problemType)) is" : "it reaches"
        return "\(count), on which no choice was based, \(result) \(format.text(value))"
            + (teacher.map { " against the teacher’s \(format.text($0))" } ?? "") + "."
    }

    /// The accuracy of always predicting the majority class.
    private func majorityAccuracy(_ model: ModelFigures) -> Double? {
        guard let rows = model.confusion else { return nil }
        let totals = rows.map { $0.reduce(0, +) }
        let all = totals.reduce(0, +)
        return all > 0 ? Double(totals.max() ?? 0) / Double(all) : nil
    }

    private func comparisonSentence() -> String? {
        let evaluated = models.filter { $0.main != nil && $0.role != .baseline }
        let isGreaterBetter = MetricText.greaterIsBetter(mainMetric)
        func isLess(_ a: ModelFigures, _ b: ModelFigures) -> Bool { (a.main ?? 0) < (b.main ?? 0) }
        guard let best = isGreaterBetter ? evaluated.max(by: isLess) : evaluated.min(by: isLess),
            let top = best.main
        else { return nil }
        let title = MetricText.title(mainMetric, problemType)
        let format = MetricText.format(mainMetric, problemType)
        var text = "Best in \(title): \(best.name), \(format.text(top))."
        if let small = evaluated.filter({ $0.bytes != nil }).min(by: { ($0.bytes ?? 0) < ($1.bytes ?? 0) }),
            small.name != best.name, let bytes = small.bytes, let value = small.main
        {
            text += " Smallest: \(small.name), \(NumberText.bytes.text(bytes)) with \(format.text(value))"
            if let large = best.bytes, top > 0, !isGreaterBetter {
                text += ", at \(Self.size(bytes / large)) of the best one’s size"
            } else if let large = best.bytes, top > 0 {
                text +=
                    String(format: ", that is %.1f %% of the best at ", value / top * 100)
                    + "\(Self.size(bytes / large)) of its size"
            }
            text += "."
        }
        if Set(evaluated.map(\.readsPairs)).count == 1,
            let fast = evaluated.filter({ $0.p50 != nil }).min(by: { ($0.p50 ?? 0) < ($1.p50 ?? 0) }),
            fast.name != best.name, let p50 = fast.p50
        {
            text +=
                " Fastest: \(fast.name), \(NumberText.milliseconds.text(p50)) \(fast.readsPairs ? "a pair" : "a text")."
        }
        return text
    }

    func tiles(_ run: RunFiles) -> [Tile] {
        guard let own = run.own else { return [] }
        let reference =
            run.models.first { $0.role == .teacher } ?? (run.kind == .quantized ? run.models.first : nil)
        let who = run.kind == .quantized ? "before" : "teacher"
        var tiles: [Tile] = []
        func add(_ name: String, _ value: Double?, _ format: NumberText, _ other: Double?) {
            guard let value else { return }
            tiles.append(
                Tile(
                    tileName: name, tileValue: format.text(value),
                    tileNote: other.map { "\(who): \(format.text($0))" } ?? ""))
        }
        add(
            MetricText.title(own.mainMetric, own.problemType), own.main,
            MetricText.format(own.mainMetric, own.problemType), reference?.main)
        if !MetricText.greaterIsBetter(own.mainMetric), let kl = own.kl {
            // What decides comes first.
            add(MetricText.title("kl", own.problemType), kl, .fourDigits, nil)
            tiles.swapAt(0, tiles.count - 1)
        }
        if let agreement = own.agreement {
            add(
                MetricText.title("agreement", own.problemType), agreement,
                MetricText.format("agreement", own.problemType), nil)
            if let kl = own.kl, MetricText.greaterIsBetter(own.mainMetric) {
                tiles[tiles.count - 1].tileNote = "KL \(NumberText.fourDigits.text(kl))"
            }
        }
        add(
            run.rounding == nil ? "weights on disk" : "weights on disk, before rounding", own.bytes, .bytes,
            reference?.bytes)
        add("latency p50, one \(own.readsPairs ? "pair" : "text")", own.p50, .milliseconds, reference?.p50)
        if let reference, own.p50 != nil, reference.p50 != nil, reference.readsPairs != own.readsPairs {
            tiles[tiles.count - 1].tileNote += reference.readsPairs ? " a pair" : " a text"
        }
        if reference == nil { add("parameters", own.parameters, .count, nil) }
        return tiles
    }
}
