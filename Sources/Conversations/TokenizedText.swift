/// A text as a language model is trained on it: ids, and which of them are targets.
public struct TokenizedText: Sendable, Equatable {
    /// The tokens.
    public var ids: [Int32]
    /// Whether each token is a target, to be predicted from those before it; never the first.
    public var isTrained: [Bool]
    /// True of the pieces of a document behind its first: it goes on with the one before.
    public var continuesDocument = false

    /// Makes a text.
    ///
    /// - Parameters:
    ///   - ids: The tokens.
    ///   - isTrained: Whether each token is a target; as many as `ids`. The first becomes false.
    public init(ids: [Int32], isTrained: [Bool]) {
        precondition(ids.count == isTrained.count)
        self.ids = ids
        self.isTrained = isTrained
        if !ids.isEmpty { self.isTrained[0] = false }
    }

    /// The number of tokens.
    public var count: Int { ids.count }

    /// The number of targets.
    public var trainedCount: Int { isTrained.count { $0 } }
}

extension TokenizedText {
    /// Cuts the text at its end.
    ///
    /// - Parameter maxLength: The most tokens.
    /// - Returns: The text itself where it is no longer.
    public func cut(to maxLength: Int) -> TokenizedText {
        guard count > maxLength else { return self }
        return part(0..<max(0, maxLength))
    }

    /// Cuts the text into pieces that lose no target.
    ///
    /// Neighbors share a token: the last of one piece, a target there, is the first of the next, where it is context alone. So each
    /// target is one of exactly one piece. Pieces without a target are left out.
    ///
    /// - Parameter maxLength: The most tokens of a piece, at least 2.
    /// - Returns: The pieces, in order; the text itself where it is no longer.
    public func pieces(of maxLength: Int) -> [TokenizedText] {
        precondition(maxLength >= 2, "a piece needs a token and a target")
        guard count > maxLength else { return trainedCount > 0 ? [self] : [] }
        return stride(from: 0, to: count - 1, by: maxLength - 1)
            .map { part($0..<min($0 + maxLength, count)) }.filter { $0.isTrained.contains(true) }
    }

    private func part(_ range: Range<Int>) -> TokenizedText {
        TokenizedText(ids: Array(ids[range]), isTrained: Array(isTrained[range]))
    }
}
