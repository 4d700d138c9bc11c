/// The tokens of a text, each with the bytes of the text that it stands for.
public struct PlacedEncoding: Sendable, Equatable {
    /// The tokens' numbers in the vocabulary.
    public var ids: [Int32]
    /// The bytes of each token in the text's UTF-8, with white space; empty for tokens that the tokenizer added.
    ///
    /// A token that holds a part of a character has the bytes of the whole character or those of the part.
    public var utf8: [Range<Int>]
    /// The tokens that the tokenizer added before the text.
    public var prefixCount: Int
    /// The tokens that the tokenizer added behind the text.
    public var suffixCount: Int
}

extension Tokenizer {
    /// Encodes a text, and tells the bytes that each token stands for.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - addSpecialTokens: Whether tokens such as `<s>` are added.
    /// - Returns: The tokens.
    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` for a text that a stage cannot take.
    public func encodeWithBytePlaces(_ text: String, addSpecialTokens: Bool = true) throws -> PlacedEncoding {
        let request = request(addSpecialTokens, nil, .longestFirst, nil)
        return try workspaces.withWorkspace { workspace in
            try tokenize(text, limit: .max, tracksOrigins: true, workspace, into: workspace.first)
            if embeddings != nil { try checkEmbeddings(workspace.first) }
            let length = text.utf8.count
            var result = PlacedEncoding(ids: [], utf8: [], prefixCount: 0, suffixCount: 0)
            var isBehind = false
            for piece in request.template(isPair: false).pieces {
                switch piece.content {
                case .special(let id):
                    result.ids.append(id)
                    let place = isBehind ? length : 0
                    result.utf8.append(place..<place)
                    if isBehind { result.suffixCount += 1 } else { result.prefixCount += 1 }
                case .first:
                    isBehind = true
                    result.ids.append(contentsOf: workspace.first.elements)
                    result.utf8 += workspace.origins.map { origin in
                        let start = min(max(Int(origin.start), 0), length)
                        return start..<min(max(Int(origin.end), start), length)
                    }
                case .second: continue
                }
            }
            return result
        }
    }
}
