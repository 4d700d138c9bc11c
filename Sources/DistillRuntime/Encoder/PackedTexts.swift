/// The tokens of several texts one after another, as a model reads them.
struct PackedTexts: Sendable {
    var ids: [Int32] = []
    /// The token types; `nil` for all 0.
    var types: [Int32]?
    /// The index of each text's first token, followed by the number of all tokens.
    var offsets: [Int64] = [0]

    var count: Int { offsets.count - 1 }
    var tokens: Int { ids.count }
}
