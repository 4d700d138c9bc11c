import Foundation

/// The examples on which the models differ, and those that both miss.
extension PageBuilder {
    /// Examples that are seen at once; the rest is folded away.
    private static let seen = 5

    mutating func examples(_ run: RunFiles, level: Int) -> [Block] {
        guard let analysis = run.analysis else { return [] }
        let teacher =
            run.models.first { $0.role == .teacher || $0.role == .model && run.kind == .quantized }?.name
            ?? "teacher"
        let student = run.own?.name ?? "student"
        let isNumber = analysis.problemType == "regression"
        var blocks: [Block] = []
        if let outcomes = analysis.outcomes {
            blocks.append(.table(outcomeTable(outcomes, teacher, student)))
        }
        func list(
            _ title: String, _ note: String, _ examples: [PredictionAnalysis.Example]?
        ) {
            guard let examples, !examples.isEmpty else { return }
            let all = examples.map { page($0, teacher, student, isNumber) }
            let more = all.count - Self.seen
            blocks.append(
                .examples(
                    ExampleList(
                        listTitle: title, listLevel: level, listID: identifier("list"), listNote: note,
                        first: Array(all.prefix(Self.seen)),
                        rest: more > 0
                            ? RestOfExamples(
                                restTitle: "\(more) more", others: Array(all.dropFirst(Self.seen))) : nil)))
        }
        list(
            "Where \(teacher) and \(student) differ most",
            isNumber
                ? "By the absolute difference of their predictions, the largest first."
                : "By KL divergence between their probabilities, the largest first.", analysis.differMost)
        let isAlone =
            analysis.differMost == nil && analysis.teacherCalibration == nil && analysis.outcomes == nil
        if isAlone, analysis.bothWrong?.first?.teacher == nil {
            list(
                "Where \(student) is wrong",
                isNumber ? "The largest errors first." : "The most confident errors first.",
                analysis.bothWrong)
        } else {
            list(
                "Where both are wrong",
                isNumber
                    ? "By the smaller of both errors, the largest first. A label may be wrong here."
                    : "The most confident first. Where both confidently predict the same class, check the label too.",
                analysis.bothWrong)
        }
        return blocks
    }

    /// Correct predictions of both models, of one alone and of neither.
    private mutating func outcomeTable(
        _ outcomes: PredictionAnalysis.Outcomes, _ teacher: String, _ student: String
    ) -> PageTable {
        let all = max(
            1,
            outcomes.bothRight + outcomes.onlyTeacherRight + outcomes.onlyStudentRight + outcomes.bothWrong)
        func row(_ name: String, _ count: Int) -> PageRow {
            PageRow(
                head: name, cells: [String(count), NumberText.percent.text(Double(count) / Double(all))])
        }
        return table(
            "Correct predictions on \(all) labeled examples", corner: "correct",
            columns: ["examples", "fraction"],
            rows: [
                row("both", outcomes.bothRight),
                row("only \(teacher)", outcomes.onlyTeacherRight),
                row("only \(student)", outcomes.onlyStudentRight),
                row("neither", outcomes.bothWrong),
            ])
    }

    private func page(
        _ example: PredictionAnalysis.Example, _ teacher: String, _ student: String, _ isNumber: Bool
    ) -> PageExample {
        var facts = ["Row \(example.row)"]
        let names = example.labels.isEmpty ? "none" : example.labels.joined(separator: ", ")
        facts.append("label: \(names)")
        if let difference = example.difference {
            facts.append("\(isNumber ? "difference" : "KL") \(NumberText.plain.text(difference))")
        }
        func answer(_ answer: PredictionAnalysis.Answer, _ name: String, _ style: String) -> PageAnswer {
            if let value = answer.value {
                return PageAnswer(
                    answerer: name, answer: NumberText.plain.text(value), isRight: nil, verdict: nil,
                    bars: [],
                    answerStyle: style)
            }
            let isRight = Set(answer.labels) == Set(example.labels)
            return PageAnswer(
                answerer: name,
                answer: answer.labels.isEmpty ? "none" : answer.labels.joined(separator: ", "),
                isRight: isRight, verdict: isRight ? "right" : "wrong",
                bars: (answer.probabilities ?? []).map { entry in
                    ProbabilityBar(
                        barLabel: entry.label, barText: String(format: "%.1f %%", entry.value * 100),
                        barWidth: String(format: "%.1f", min(1, max(0, entry.value)) * 100))
                }, answerStyle: style)
        }
        var answers: [PageAnswer] = []
        if let other = example.teacher { answers.append(answer(other, teacher, "teacher")) }
        answers.append(answer(example.student, student, "student"))
        return PageExample(
            exampleText: example.text ?? "(the text could not be read again)", pairText: example.pair,
            facts: facts.joined(separator: " · "), answers: answers)
    }
}
