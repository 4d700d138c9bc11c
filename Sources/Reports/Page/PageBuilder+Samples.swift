/// The answers of language models to prompts of the evaluation data, side by side.
extension PageBuilder {
    mutating func samples(_ run: RunFiles, level: Int) -> [Block] {
        guard let samples = run.analysis?.samples, !samples.isEmpty else { return [] }
        let teacher = run.models.first { $0.role == .teacher }?.name ?? "teacher"
        let student = run.own?.name ?? "student"
        let examples = samples.enumerated().map { index, sample in
            func answer(_ name: String, _ text: String?, _ style: String) -> PageAnswer? {
                text.map {
                    PageAnswer(
                        answerer: name, answer: $0.isEmpty ? "(nothing)" : $0, isRight: nil, verdict: nil,
                        bars: [], answerStyle: style)
                }
            }
            return PageExample(
                exampleText: sample.prompt, pairText: nil, facts: "Prompt \(index + 1)",
                answers: [
                    answer("in the data", sample.reference, "reference"),
                    answer(teacher, sample.teacher, "teacher"), answer(student, sample.student, "student"),
                    answer("\(student) without the teacher", sample.baseline, "baseline"),
                ].compactMap(\.self))
        }
        return [
            .examples(
                ExampleList(
                    listTitle: "Greedy answers", listLevel: level, listID: identifier("list"),
                    listNote:
                        "Prompts spread evenly over the validation data; each answer is the most probable token at each step, "
                        + "cut (…) after some tokens.",
                    first: examples, rest: nil))
        ]
    }
}
