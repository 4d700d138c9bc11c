/// A text that was already split into words, as the ids that a model reads, with the word of each token.
///
/// The four lists are equally long, one element for each token. A word may have no token at all: one of control
/// characters alone is such a word for most tokenizers.
public struct WordEncoding: Sendable, Equatable {
    /// The tokens' ids in the vocabulary.
    public var ids: [Int32] = []
    /// The text that each token belongs to, as passed to the model (`token_type_ids`).
    public var typeIDs: [Int32] = []
    /// The index of each token's word; `nil` for a token that the tokenizer added, such as `[CLS]`.
    public var wordIndices: [Int?] = []
    /// The range of each token in its word, in Unicode scalars as Python counts them; empty for special tokens.
    public var offsets: [Range<Int>] = []
    /// The number of words.
    public var wordCount: Int

    /// Makes an encoding without tokens.
    public init(wordCount: Int) { self.wordCount = wordCount }

    /// The number of tokens.
    public var count: Int { ids.count }
}

extension WordEncoding {
    /// Appends a token that belongs to no word.
    mutating func append(special id: Int32, typeID: Int32) {
        ids.append(id)
        typeIDs.append(typeID)
        wordIndices.append(nil)
        offsets.append(0..<0)
    }
}
