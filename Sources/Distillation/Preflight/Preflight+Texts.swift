import Conversations
import Foundation

/// Checks of a language model's texts.
extension Preflight {
    /// The records that are looked at.
    private static let limit = 2000

    /// Looks at the first training texts as they are trained on.
    ///
    /// - Parameter showsExample: True for a note with the first of them.
    func checkTexts(showsExample: Bool) throws {
        guard setup.problemType.predictsTokens else { return }
        try findings.attempt {
            let path = setup.request.data.train
            guard let text = try setup.languageModelText() else { return }
            let stream = try TokenizedTextStream(path, encoder: text.encoder(), columns: text.columns)
            while stream.survey.recordCount < Self.limit, try stream.next(256) != nil {}
            report(stream.survey, of: path.path(percentEncoded: false), showsExample: showsExample)
        }
    }

    private func report(_ survey: TextSurvey, of path: String, showsExample: Bool) {
        let kept = max(1, survey.recordCount - survey.droppedCount)
        if survey.doubledBOSCount > 0 {
            findings.add(
                .error,
                "\(path): \(survey.doubledBOSCount) of \(survey.recordCount) texts begin with the beginning's token twice; take it out "
                    + "of the chat template, or of the data")
        }
        if survey.lacksStops {
            findings.add(
                .error,
                "\(path): no text ends with a stop token (eos_token_id), so the student would not learn to stop. \(survey.stopAdvice)"
            )
        }
        if survey.cutAnswerCount * 2 > kept {
            findings.add(
                .error,
                "\(path): \(survey.cutAnswerCount) of \(survey.recordCount) texts are cut within the answer at \(setup.data.maxLength) "
                    + "tokens; raise --max-length")
        }
        let lengths = survey.lengths
        findings.add(
            .note,
            "The texts have \(lengths.median) tokens (median; 95 %: \(lengths.percentile95), longest \(lengths.maximum)), of which "
                + "\(survey.trainedTokenCount * 100 / max(1, survey.tokenCount)) % are trained.")
        guard showsExample, let example = survey.example else { return }
        let marked = example.segments.map { $0.isTrained ? "⟦\($0.text)⟧" : $0.text }.joined()
        let shown = marked.count > 1200 ? marked.prefix(1200) + "…" : marked[...]
        findings.add(.note, "The first text as it is read, with what is trained in ⟦ ⟧:\n\(shown)")
    }
}
