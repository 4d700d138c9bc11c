import Conversations

extension TextSurvey {
    /// What to do where no record ends with a stop token.
    var stopAdvice: String {
        otherEndCount > 0
            ? "Texts end with the tokenizer's eos_token, which is not among the stop tokens (eos_token_id in generation_config.json, else in "
                + "config.json): add it there"
            : "Check the chat template, and eos_token_id in generation_config.json"
    }

    /// What the user may want to know of a data set's texts, a line each.
    ///
    /// - Throws: ``DistillationError`` where nothing is left to train on.
    func notes(of path: String, maxLength: Int) throws -> [DataNote] {
        guard textCount > 0 else {
            throw DistillationError(
                "\(path): no token of its \(recordCount) records is trained"
                    + (longPromptCount > 0
                        ? ", as the prompts fill the whole length of \(maxLength) tokens; raise --max-length"
                        : "; check that the assistant says something in them"))
        }
        var notes: [DataNote] = []
        func note(_ count: Int, _ text: String) {
            if count > 0 { notes.append(DataNote("\(path): \(count) of \(recordCount) records \(text)")) }
        }
        note(
            cutAnswerCount,
            "are cut at \(maxLength) tokens within the answer; raise --max-length to keep them.")
        note(
            longPromptCount, "are left out, as the prompt fills the \(maxLength) tokens; raise --max-length.")
        note(emptyMaskCount, "are left out, as nothing in them is trained.")
        note(
            doubledBOSCount,
            "begin with two tokens for the beginning; check the chat template and the tokenizer.")
        note(
            lastTurnOnlyCount,
            "are trained at their last turn alone, as the template writes earlier ones otherwise.")
        if lacksStops {
            notes.append(
                DataNote(
                    "\(path): no record ends with a stop token; a model that is trained on them does not learn to stop. "
                        + "\(stopAdvice).", purpose: .training))
        }
        return notes
    }
}
