import Tokenizers

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

extension PackedTexts {
    /// - Parameter texts: The texts' indices in the encoding.
    init(_ encoding: FlatEncoding, _ texts: [Int]) {
        ids.reserveCapacity(texts.reduce(0) { $0 + encoding.offsets[$1 + 1] - encoding.offsets[$1] })
        var types: [Int32] = []
        for text in texts {
            let tokens = encoding.offsets[text]..<encoding.offsets[text + 1]
            ids += encoding.ids[tokens]
            types += encoding.typeIDs[tokens]
            offsets.append(Int64(ids.count))
        }
        if types.contains(where: { $0 != 0 }) { self.types = types }
    }
}
