import Tokenizers

/// A tokenized text in words, in parts that are trained and parts that are not.
public struct MarkedText: Sendable, Equatable {
    /// A part of the text.
    public struct Segment: Sendable, Equatable {
        /// The part's text, special tokens included.
        public var text: String
        /// Whether its tokens are targets.
        public var isTrained: Bool

        /// Makes a part.
        ///
        /// - Parameters:
        ///   - text: The part's text.
        ///   - isTrained: Whether its tokens are targets.
        public init(text: String, isTrained: Bool) {
            self.text = text
            self.isTrained = isTrained
        }
    }

    /// The parts, in order.
    public var segments: [Segment]
}

extension MarkedText {
    /// Decodes a text. A character whose tokens are of both kinds belongs to the part in which it ends.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - tokenizer: Its tokenizer.
    /// - Throws: A `TokenizerError` where the tokenizer cannot decode.
    public init(_ text: TokenizedText, tokenizer: Tokenizer) throws {
        segments = []
        var stream = try TokenStream(tokenizer, skipSpecialTokens: false)
        // What the part before had not given when it ended.
        var owed = ""
        for index in text.ids.indices {
            let isTrained = text.isTrained[index]
            if index > 0, text.isTrained[index - 1] != isTrained {
                var ended = stream
                owed = try ended.finish()
            }
            append(try stream.append(text.ids[index]), isTrained, owed: &owed)
        }
        append(try stream.finish(), text.isTrained.last ?? false, owed: &owed)
    }

    private mutating func append(_ text: String, _ isTrained: Bool, owed: inout String) {
        if text.isEmpty { return }
        var rest = text.utf8[...]
        if !owed.isEmpty, rest.starts(with: owed.utf8) {
            rest = rest.dropFirst(owed.utf8.count)
            append(owed, !isTrained)
        }
        owed = ""
        append(String(decoding: rest, as: UTF8.self), isTrained)
    }

    private mutating func append(_ text: String, _ isTrained: Bool) {
        if text.isEmpty { return }
        if segments.last?.isTrained == isTrained {
            segments[segments.count - 1].text += text
        } else {
            segments.append(Segment(text: text, isTrained: isTrained))
        }
    }
}
