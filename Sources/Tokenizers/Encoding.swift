/// A text, or a pair of texts, as the numbers that a model reads.
///
/// The four lists are equally long, one element for each token.
public struct Encoding: Sendable, Equatable {
    /// The tokens' numbers in the vocabulary.
    public var ids: [Int32]
    /// The text that each token belongs to: 0 for the first, 1 for the second (`token_type_ids`).
    public var typeIDs: [Int32]
    /// 1 for a token, 0 for padding. Padding is added by ``Tokenizer/pad(_:toMultipleOf:length:side:)``, so here
    /// all are 1.
    public var attentionMask: [Int32]
    /// 1 for a token that the tokenizer added, such as `[CLS]`, 0 for one of the text.
    public var specialTokensMask: [Int32]
    /// The range of each token in its text, in Unicode scalars as Python counts them; filled only by
    /// ``Tokenizer/encodeWithOffsets(_:pair:addSpecialTokens:maxLength:truncation:truncationSide:)``.
    public var offsets: [Range<Int>] = []

    /// Makes an encoding; the lists must be equally long.
    public init(ids: [Int32], typeIDs: [Int32], attentionMask: [Int32], specialTokensMask: [Int32]) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.attentionMask = attentionMask
        self.specialTokensMask = specialTokensMask
    }

    /// The number of tokens.
    public var count: Int { ids.count }
}

extension Encoding {
    /// An empty encoding with room for a number of tokens.
    init(capacity: Int) {
        self.init(ids: [], typeIDs: [], attentionMask: [], specialTokensMask: [])
        ids.reserveCapacity(capacity)
        typeIDs.reserveCapacity(capacity)
        attentionMask.reserveCapacity(capacity)
        specialTokensMask.reserveCapacity(capacity)
    }

    /// Appends tokens of one kind.
    mutating func append(_ tokens: some Collection<Int32>, typeID: Int32, special: Bool) {
        ids.append(contentsOf: tokens)
        typeIDs.append(contentsOf: repeatElement(typeID, count: tokens.count))
        attentionMask.append(contentsOf: repeatElement(1, count: tokens.count))
        specialTokensMask.append(contentsOf: repeatElement(special ? 1 : 0, count: tokens.count))
    }
}
