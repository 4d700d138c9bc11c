/// Encodings of equal length, as a model takes them.
///
/// The arrays are row-major of shape `[batchSize, sequenceLength]`.
public struct BatchEncoding: Sendable, Equatable {
    /// The tokens' numbers; padding has the padding token's.
    public var inputIDs: [Int32]
    /// The text of a pair that each token belongs to, 0 or 1.
    public var tokenTypeIDs: [Int32]
    /// 1 for a token, 0 for padding.
    public var attentionMask: [Int32]
    /// The number of rows.
    public var batchSize: Int
    /// The number of columns.
    public var sequenceLength: Int

    /// Makes a batch; each array must hold `batchSize * sequenceLength` elements.
    public init(
        inputIDs: [Int32], tokenTypeIDs: [Int32], attentionMask: [Int32], batchSize: Int, sequenceLength: Int
    ) {
        self.inputIDs = inputIDs
        self.tokenTypeIDs = tokenTypeIDs
        self.attentionMask = attentionMask
        self.batchSize = batchSize
        self.sequenceLength = sequenceLength
    }
}
