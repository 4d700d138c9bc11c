import Foundation
import JSON

/// What a reader must know of a run's figures.
extension PageBuilder {
    /// Why a student with other tokens than its teacher's is told by bytes, and how the tokens of both were brought together.
    func tokenSentences(_ run: RunFiles) -> [String] {
        guard run.hasOtherTokens else { return [] }
        var sentences = [
            "The teacher’s tokenizer gives other tokens, so that perplexities and losses by token cannot be compared: bits per byte and "
                + "perplexity by byte compare both."
        ]
        if let alignment = run.record["alignment"]?.objectValue,
            let coverage = alignment["coverage"]?.doubleValue,
            let single = alignment["single_token_spans"]?.doubleValue
        {
            let shared = alignment["shared_tokens"]?.intValue.map { "; the vocabularies share \($0) tokens" }
            sentences.append(
                "\(NumberText.percent.text(coverage)) of the student’s trained tokens are in spans that both tokenizers divide, "
                    + "\(NumberText.percent.text(single)) of which are one token in either\(shared ?? "").")
        }
        return sentences
    }

    /// That a student's figures are of rounded weights, where those on disk are not.
    func roundingSentence(_ run: RunFiles) -> String? {
        run.rounding.map {
            "The student’s metrics are of its weights rounded to \($0.type), as \($0.command) writes them; the weights on disk are the "
                + "float weights that training continues from, whose metrics are others."
        }
    }
}
