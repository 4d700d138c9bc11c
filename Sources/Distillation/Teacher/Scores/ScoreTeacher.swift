import Datasets
import Foundation
import Transformers

/// A teacher of whom files of scores tell, with its outputs for the run's texts.
struct ScoreTeacher {
    let request: ScoresRequest
    let table: ScoreTable
    /// True if the files hold logits, not probabilities.
    let hasLogits: Bool
    /// What the user may want to know of the scores.
    let findings: [Finding]

    /// Reads the scores.
    ///
    /// - Parameters:
    ///   - survey: The first reading.
    ///   - files: The files of scores, or the data files that hold them.
    ///   - data: The data files; those that are trained on first.
    ///   - counts: The number of examples of each.
    ///   - required: The number of data files that must have scores.
    ///   - labels: The classes.
    ///   - type: The task of the labels.
    /// - Throws: `DatasetError` and ``DistillationError`` for scores that do not fit labels or texts.
    init(
        _ survey: ScoreSurvey, files: [URL], data: [URL], counts: [Int], required: Int, labels: LabelMap,
        type: TaskIdentifier, columns: DataColumns
    ) throws {
        let outputs = type.definition.outputs
        guard type.definition.takesScores else {
            throw DistillationError(
                "\(survey.request.name): scores teach text classifiers, the task is \(type.rawValue); a language model learns from "
                    + "--teacher-logprobs")
        }
        guard outputs == .softmax || ![.label, .votes, .tokens].contains(survey.form) else {
            throw DistillationError(
                "\(survey.request.name): \(survey.form.description) say nothing of labels that do not exclude one another; write a "
                    + "score for every label")
        }
        try ScoreLabels(labels).require(survey)
        var matching = ScoreMatching(
            survey, files: files, data: data, required: required, columns: columns,
            conversion: try ScoreConversion(survey, labels: labels, outputs: outputs))
        request = survey.request
        table = try matching.table(counts)
        hasLogits = matching.conversion.scale == .logits
        findings = Self.findings(survey, matching, labels)
    }

    /// What was recognized, and what was done to it.
    private static func findings(
        _ survey: ScoreSurvey, _ matching: ScoreMatching, _ labels: LabelMap
    ) -> [Finding] {
        let (counts, scale) = (matching.conversion.counts, matching.conversion.scale)
        let key = survey.key.isEmpty ? "" : " under '\(DatasetError.shown(survey.key))'"
        var all = [
            Finding(
                .note,
                "\(survey.request.name): \(survey.count) rows of \(scale.description), as \(survey.form.description)\(key), matched by "
                    + (matching.isByText ? "text" : "order")
                    + (matching.unused == 0 ? "." : "; \(matching.unused) belong to no text of the data."))
        ]
        func add(_ severity: Finding.Severity, _ text: String) {
            all.append(Finding(severity, "\(survey.request.name): \(text)"))
        }
        if survey.width != nil {
            add(
                .note,
                "the scores are taken for the labels in their order: \(DatasetError.list(labels.names)).")
        }
        if scale == .percentages { add(.warning, "the scores look like percentages and are divided by 100.") }
        if counts.scaled > 0, let off = survey.numbers.firstOff {
            add(
                .warning,
                "\(counts.scaled) rows do not add up to 1 and are divided by their sum (the first is \(off.place): "
                    + "\(ScoreScale.text(off.sum))); name the key logits where they are these, or pass --problem-type "
                    + "multi_label_classification where labels do not exclude one another.")
        }
        if counts.truncated > 0 {
            add(
                .note,
                "\(counts.truncated) rows lack labels, which share what is left of the probability equally (on average "
                    + String(format: "%.2f %%).", 100 * counts.rest / Double(counts.truncated)))
        }
        if counts.floored > 0 {
            add(
                .note,
                "\(counts.floored) probabilities in \(counts.flooredRows) rows are 0, or nearly; \(ScoreScale.text(ScoreConversion.floor)) "
                    + "is taken for them.")
        }
        if counts.tokens > 0 {
            add(
                .note,
                "\(counts.tokens) of the listed tokens are no labels; their probability counts with the rest."
            )
        }
        return all
    }
}
