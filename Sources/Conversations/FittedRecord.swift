import Tokenizers

/// A record's texts within the maximum length, and what became of it on the way.
struct FittedRecord: Sendable {
    /// The texts that are trained on; none where the record is dropped.
    var texts: [TokenizedText]
    /// The tokens before anything was cut.
    var length: Int
    /// True for a document in several pieces.
    var isSplit = false
    /// True if the end was cut off.
    var isCut = false
    /// True if targets were cut off, and others were left.
    var isAnswerCut = false
    /// True if there was no target to begin with.
    var hasEmptyMask = false
    /// True if what comes before the first target fills the whole length.
    var isPromptTooLong = false
    var isLastTurnOnly = false
    /// True if the first two tokens both begin a text.
    var hasDoubledBOS = false
    /// True if the last target that is no white space is a stop token.
    var endsWithStop = false
    /// True if it is the tokenizer's end token, which is none of the stop tokens.
    var endsWithOtherEnd = false
}

extension TrainingTextEncoder {
    /// Renders and tokenizes a record, and cuts it to the maximum length.
    func fit(_ record: TrainingRecord) throws -> FittedRecord {
        let rendered = try render(record)
        let whole = try tokenize(rendered)
        var fitted = FittedRecord(
            texts: [], length: whole.count, isLastTurnOnly: rendered.isLastTurnOnly)
        if let bos = tokens.bosID { fitted.hasDoubledBOS = whole.ids.starts(with: [bos, bos]) }
        guard let firstTarget = whole.isTrained.firstIndex(of: true) else {
            fitted.hasEmptyMask = true
            return fitted
        }
        let limit = options.maxLength ?? .max
        if rendered.isDocument {
            fitted.texts = whole.pieces(of: limit)
            fitted.isSplit = fitted.texts.count > 1
            for index in fitted.texts.indices.dropFirst() { fitted.texts[index].continuesDocument = true }
        } else {
            fitted.isCut = whole.count > limit
            let text = whole.cut(to: limit)
            fitted.isPromptTooLong = firstTarget >= limit
            if !fitted.isPromptTooLong {
                fitted.isAnswerCut = text.trainedCount < whole.trainedCount
                fitted.texts = [text]
            }
        }
        if let last = fitted.texts.last.flatMap(lastTarget) {
            fitted.endsWithStop = tokens.stopIDs.contains(last)
            fitted.endsWithOtherEnd = !fitted.endsWithStop && last == tokens.eosID
        }
        return fitted
    }

    /// The last target. White space that templates write behind a stop token does not count.
    private func lastTarget(_ text: TokenizedText) -> Int32? {
        let ends = Set(tokens.stopIDs + [tokens.eosID].compactMap(\.self))
        for index in text.ids.indices.reversed() where text.isTrained[index] {
            if ends.contains(text.ids[index]) { return text.ids[index] }
            let token = try? tokenizer.decode([text.ids[index]], skipSpecialTokens: false)
            guard token.map(isBlank) ?? false else { return text.ids[index] }
        }
        return nil
    }
}
