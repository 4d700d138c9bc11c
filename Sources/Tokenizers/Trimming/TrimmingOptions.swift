/// The tokens that a ``VocabularyTrimmer`` keeps besides special and added ones.
public struct TrimmingOptions: Sendable, Equatable {
    /// The characters whose tokens stay, alone (`c`) and inside a word (`##c`), so that words without a token of their
    /// own are split rather than unknown.
    ///
    /// Measured with BERT's English vocabulary (30,522 tokens), trimmed to 8,530 film reviews, on other texts:
    ///
    /// | | tokens | `[UNK]`, other reviews | `[UNK]`, tweets | `[UNK]`, newspaper |
    /// |---|---|---|---|---|
    /// | ``none`` | 12,882 | 0.022 % | 4.2 % | 0.99 % |
    /// | ``data`` | 12,938 | 0 | 0.001 % | 0 |
    /// | ``vocabulary`` | 14,788 | 0 | 0 | 0 |
    ///
    /// So 56 rows more leave next to nothing unknown. The other 1,850 of ``vocabulary`` serve scripts that the data do
    /// not hold; they are for models that meet other languages.
    public enum Alphabet: String, Sendable, CaseIterable {
        /// No character for its own sake.
        case none
        /// The characters of the tokens that the data use, and printable ASCII: punctuation and digits that one data
        /// set happens to lack are common in the next.
        case data
        /// Every character that has a token.
        case vocabulary
    }

    /// Rarer tokens are dropped, at least 1; their characters still count for the alphabet.
    public var minimumCount: Int
    /// The characters that stay, of WordPiece; byte-level BPE keeps every byte.
    public var alphabet: Alphabet

    /// Makes options; by default every token that is used stays.
    public init(minimumCount: Int = 1, alphabet: Alphabet = .data) {
        self.minimumCount = minimumCount
        self.alphabet = alphabet
    }
}
