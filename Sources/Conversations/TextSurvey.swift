/// What a data set's texts are like: what `check` shows before anything is trained.
public struct TextSurvey: Sendable, Equatable {
    /// The records read.
    public internal(set) var recordCount = 0
    /// The texts that are trained on; more than records where documents are in pieces.
    public internal(set) var textCount = 0
    /// The tokens of these texts.
    public internal(set) var tokenCount = 0
    /// Their targets.
    public internal(set) var trainedTokenCount = 0
    /// The documents in several pieces.
    public internal(set) var splitCount = 0
    /// The conversations and completions whose end was cut off.
    public internal(set) var cutCount = 0
    /// Those of them that lost targets, and with them the stop token, but kept others.
    public internal(set) var cutAnswerCount = 0
    /// The records whose prompt fills the whole length, so that they are dropped.
    public internal(set) var longPromptCount = 0
    /// The records of which nothing is to be trained, whatever their length; they are dropped.
    public internal(set) var emptyMaskCount = 0
    /// The conversations of which the last turn alone is trained, since the template writes earlier ones otherwise.
    public internal(set) var lastTurnOnlyCount = 0
    /// The records that begin with two tokens for the beginning.
    public internal(set) var doubledBOSCount = 0
    /// The records kept whose last target is a stop token, white space behind it aside.
    public internal(set) var stopCount = 0
    /// The records kept whose last target is the tokenizer's end token, which is none of the stop tokens.
    public internal(set) var otherEndCount = 0
    /// The lengths of all records in tokens, before anything is cut.
    public internal(set) var lengths = LengthSummary()
    /// The first text that is trained on, as words; `nil` also where the tokenizer cannot decode.
    public internal(set) var example: MarkedText?

    /// Makes the survey of no records.
    public init() {}

    /// The records that are not trained on.
    public var droppedCount: Int { longPromptCount + emptyMaskCount }

    /// The share of records kept whose last target is a stop token: near 0 where a model would not learn to stop. `nil` without
    /// records.
    public var stopFraction: Double? {
        let kept = recordCount - droppedCount
        return kept > 0 ? Double(stopCount) / Double(kept) : nil
    }

    /// True if no record ends with a stop token, although some were not cut: a model that is trained on them would not learn to stop.
    public var lacksStops: Bool { stopFraction == 0 && recordCount - droppedCount > cutAnswerCount }

    mutating func add(_ record: FittedRecord) {
        recordCount += 1
        textCount += record.texts.count
        for text in record.texts {
            tokenCount += text.count
            trainedTokenCount += text.trainedCount
        }
        splitCount += record.isSplit ? 1 : 0
        cutCount += record.isCut ? 1 : 0
        cutAnswerCount += record.isAnswerCut ? 1 : 0
        longPromptCount += record.isPromptTooLong ? 1 : 0
        emptyMaskCount += record.hasEmptyMask ? 1 : 0
        lastTurnOnlyCount += record.isLastTurnOnly ? 1 : 0
        doubledBOSCount += record.hasDoubledBOS ? 1 : 0
        stopCount += record.endsWithStop ? 1 : 0
        otherEndCount += record.endsWithOtherEnd ? 1 : 0
        lengths.add(record.length)
    }
}
