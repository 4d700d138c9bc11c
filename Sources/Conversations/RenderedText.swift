/// A record as text, and which of its bytes are trained.
public struct RenderedText: Sendable, Equatable {
    /// The text.
    public var text: String
    /// The trained parts in bytes of UTF-8, in order and apart.
    public var trained: [Range<Int>]
    /// Whether the tokenizer adds its special tokens; a chat template writes them itself.
    public var addsSpecialTokens: Bool
    /// Whether the text may be trained in pieces, being a document.
    public var isDocument = false
    /// True if earlier turns of the assistant are not trained, since the template writes them otherwise once others follow.
    public var isLastTurnOnly = false
}

extension RenderedText {
    /// Which tokens are trained: those that hold a byte of a trained part.
    ///
    /// So one that reaches from what is not trained into what is, as of a prompt and a completion that are tokenized as one text, is
    /// trained where it ends inside, and one that reaches out of it too. transformers marks the same tokens for
    /// `{% generation %}`. A token of no bytes goes by its place.
    ///
    /// - Parameter places: The bytes of each token, in order.
    func mask(_ places: [Range<Int>]) -> [Bool] {
        var part = 0
        return places.map { place in
            // Parts that end before this token end before all others.
            while part < trained.count, trained[part].upperBound <= place.lowerBound { part += 1 }
            guard part < trained.count else { return false }
            return place.isEmpty
                ? trained[part].contains(place.lowerBound) : trained[part].lowerBound < place.upperBound
        }
    }
}
