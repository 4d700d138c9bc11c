/// A text to encode, alone or with a second one.
public struct TextPair: Sendable, Equatable {
    /// The text, or the first of two.
    public var text: String
    /// The second text of a pair.
    public var pair: String?

    /// Makes a text or a pair of texts.
    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }
}
