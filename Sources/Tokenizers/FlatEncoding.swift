/// Many texts, or pairs, as the ids that a model reads, one after another in flat arrays.
///
/// The tokens of text `i` are those from `offsets[i]` up to `offsets[i + 1]`. There is no padding, so the attention
/// mask of each is all ones.
public struct FlatEncoding: Sendable, Equatable {
    /// The tokens' ids in the vocabulary.
    public var ids: [Int32]
    /// The text of a pair that each token belongs to: 0 for the first, 1 for the second (`token_type_ids`).
    public var typeIDs: [Int32]
    /// The index of each text's first token, followed by the number of all tokens.
    public var offsets: [Int]
    /// The number of texts that were truncated.
    public var cutCount = 0

    /// Makes an encoding; `typeIDs` must be as many as `ids`, and `offsets` ascend from 0 to their number.
    public init(ids: [Int32], typeIDs: [Int32], offsets: [Int]) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.offsets = offsets
    }

    /// The number of texts.
    public var count: Int { offsets.count - 1 }

    /// The ids of one text.
    public subscript(index: Int) -> ArraySlice<Int32> { ids[offsets[index]..<offsets[index + 1]] }
}
