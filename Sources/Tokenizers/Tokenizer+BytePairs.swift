/// A tokenizer of byte pair encoding by what it is made of, for programs that build it again.
package struct BytePairs: Sendable {
    /// How characters become the first tokens.
    package enum Kind: Sendable, Equatable {
        /// Each byte is a token, written as GPT-2's alphabet has it.
        case byteLevel
        /// Characters are tokens, and those without one tokens of their bytes, `<0x0A>`; SentencePiece's.
        case byteFallback
    }

    /// The meaning of a token beside the others.
    package enum Meaning: Sendable, Equatable {
        case normal
        /// Found in the text before anything else; true for the model's special tokens.
        case added(isSpecial: Bool)
    }

    package let kind: Kind
    /// The tokens with their ids, ascending.
    package let tokens: [(id: Int, content: String, meaning: Meaning)]
    /// Pairs of tokens' ids that are joined, those first that are joined first, and the ids of what comes of them.
    package let merges: [(left: Int32, right: Int32, id: Int32)]
    /// True if a word that is a token stays whole, whatever the merges say.
    package let ignoresMerges: Bool
    /// True if texts are composed (NFC) first.
    package let composes: Bool
}

extension Tokenizer {
    /// What the tokenizer is made of; `nil` where it is another than byte pair encoding of bytes, or with bytes
    /// for characters without a token.
    package var bytePairs: BytePairs? {
        guard let model = model as? BPE, isByteLevel || model.hasByteFallback, !model.marksContinuations
        else { return nil }
        let vocabulary = addedVocabulary.vocabulary
        let added = Dictionary(
            addedVocabulary.tokens.map { (Int32(truncatingIfNeeded: $0.id), $0.token.special) },
            uniquingKeysWith: { _, last in last })
        let tokens = vocabulary.ids.map { id in
            (
                id: Int(id), content: vocabulary.token(of: id) ?? "",
                meaning: added[id].map { BytePairs.Meaning.added(isSpecial: $0) } ?? .normal
            )
        }
        let composer = normalizer as? UnicodeNormalizer
        return BytePairs(
            kind: isByteLevel ? .byteLevel : .byteFallback, tokens: tokens, merges: model.merges.all,
            ignoresMerges: model.ignoresMerges, composes: composer != nil)
    }
}
