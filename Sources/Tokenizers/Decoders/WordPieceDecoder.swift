/// Joins pieces of words to the word before them, and puts spaces between words.
struct WordPieceDecoder: TokenDecoder {
    private let prefix: [UInt8]
    private let cleansUp: Bool

    init(prefix: String, cleansUp: Bool) {
        self.prefix = Array(prefix.utf8)
        self.cleansUp = cleansUp
    }

    init(_ configuration: StageConfiguration) throws {
        self.init(
            prefix: try configuration.string("prefix"), cleansUp: try configuration.bool("cleanup"))
    }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            let spaced =
                index == 0
                ? token : token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token
            return cleansUp ? Self.cleanUp(spaced) : spaced
        }
    }

    private static let replacements = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.utf8), Array($1.utf8)) }

    /// Takes out the spaces before punctuation and in contractions.
    static func cleanUp(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(0x20) else { return text }
        return replacements.reduce(text) { $0.replacingBytes($1.0, with: $1.1) }
    }
}
