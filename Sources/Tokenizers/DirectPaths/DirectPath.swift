/// Pre-tokenizer and model in one, word by word, without noting where tokens come from.
///
/// Gives what the stages give one after the other, or declines.
protocol DirectPath: Sendable {
    /// Appends the ids of a text's tokens.
    ///
    /// - Parameters:
    ///   - start: the position of the text in the one that it is a piece of, in bytes.
    ///   - limit: no more words are begun once `ids` holds as many.
    /// - Returns: false if the text has to go through the stages; then nothing is appended.
    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, limit: Int, _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) throws -> Bool
}

/// The fast paths that the tokenizer's stages allow.
struct DirectPaths: Sendable {
    /// From the text as it is.
    let raw: (any DirectPath)?
    /// From normalized text.
    let normalized: (any DirectPath)?

    init(
        _ normalizer: (any Normalizer)?, _ preTokenizer: (any PreTokenizer)?, _ model: any Model,
        _ addedTokens: AddedTokenMatcher
    ) {
        if let path = ByteLevelWords(preTokenizer, model) {
            normalized = path
            let keepsASCII = normalizer.map { ASCIIMap($0)?.isIdentity ?? false }
            raw =
                keepsASCII == false
                ? nil : PlainText(path: path, addedTokens: addedTokens, takesASCIIOnly: keepsASCII == true)
        } else {
            normalized = nil
            raw = MetaspaceWords(normalizer, preTokenizer, model, addedTokens)
        }
    }
}

/// A path for texts that the normalizer leaves as they are, and that hold no added token.
private struct PlainText<Path: DirectPath>: DirectPath {
    let path: Path
    let addedTokens: AddedTokenMatcher
    let takesASCIIOnly: Bool

    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, limit: Int, _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) throws -> Bool {
        guard !takesASCIIOnly || EightBytes.isASCII(text), !addedTokens.mayOccur(in: text) else {
            return false
        }
        return try path.tokenize(text, at: start, limit: limit, workspace, into: ids)
    }
}
