/// Memory that a thread uses again for each text.
final class EncodeWorkspace {
    /// The tokens of a text, or of the first of two, and of the second.
    let first = TokenBuffer()
    let second = TokenBuffer()

    fileprivate let normalized = ByteBuffer()
    fileprivate let piece = ByteBuffer()
    fileprivate var words: [Range<Int>] = []
    fileprivate var rawSegments: [AddedTokenMatcher.Segment] = []
    fileprivate var segments: [AddedTokenMatcher.Segment] = []
}

extension Tokenizer {
    /// Takes a text, or a pair, through all stages but the last.
    ///
    /// - Returns: which of the tokens in the workspace remain.
    func tokenize(_ text: String, _ pair: String?, _ request: EncodeRequest, _ workspace: EncodeWorkspace)
        throws
        -> (first: Range<Int>, second: Range<Int>)
    {
        let limit = Self.limit(isPair: pair != nil, request.truncation)
        tokenize(text, limit: limit, workspace, into: workspace.first)
        workspace.second.count = 0
        if let pair { tokenize(pair, limit: limit, workspace, into: workspace.second) }
        guard let truncation = request.truncation else {
            return (0..<workspace.first.count, 0..<workspace.second.count)
        }
        return try truncation.kept(
            workspace.first.count, pair == nil ? nil : workspace.second.count,
            specialTokens: request.template(isPair: pair != nil).specialTokenCount)
    }

    /// How many tokens of a text need be made: what lies beyond the greatest length of a single text would be cut
    /// off again. How a pair is cut depends on how long both texts are.
    private static func limit(isPair: Bool, _ truncation: Truncation?) -> Int {
        guard let truncation, truncation.side == .right, !isPair, truncation.strategy != .onlySecond
        else { return .max }
        return truncation.maxLength
    }

    /// Makes the tokens of one text, without special ones. Once there are `limit` of them, the rest may be missing.
    private func tokenize(_ text: String, limit: Int, _ workspace: EncodeWorkspace, into ids: TokenBuffer) {
        ids.count = 0
        var text = text
        text.withUTF8 { text in
            guard addedVocabulary.raw.mayOccur(in: text) else {
                return normalizeAndTokenize(text, limit: limit, workspace, into: ids)
            }
            workspace.rawSegments.removeAll(keepingCapacity: true)
            addedVocabulary.raw.split(text, into: &workspace.rawSegments)
            for segment in workspace.rawSegments where ids.count < limit {
                if let id = segment.id {
                    ids.append(id)
                } else {
                    let piece = UnsafeBufferPointer(rebasing: text[segment.range])
                    normalizeAndTokenize(piece, limit: limit, workspace, into: ids)
                }
            }
        }
    }

    /// Tokenizes text that holds no added token but those that are looked for in normalised text.
    private func normalizeAndTokenize(
        _ text: UnsafeBufferPointer<UInt8>, limit: Int, _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) {
        let normalized = workspace.normalized
        normalized.count = 0
        if let normalizer {
            normalizer.normalize(text, into: normalized)
        } else if let start = text.baseAddress {
            normalized.append(start, count: text.count)
        }
        guard addedVocabulary.normalized.mayOccur(in: normalized.bytes) else {
            return splitAndTokenize(normalized, limit: limit, workspace, into: ids)
        }
        workspace.segments.removeAll(keepingCapacity: true)
        addedVocabulary.normalized.split(normalized.bytes, into: &workspace.segments)
        for segment in workspace.segments where ids.count < limit {
            if let id = segment.id {
                ids.append(id)
            } else {
                workspace.piece.count = 0
                workspace.piece.append(
                    normalized.start + segment.range.lowerBound, count: segment.range.count)
                splitAndTokenize(workspace.piece, limit: limit, workspace, into: ids)
            }
        }
    }

    private func splitAndTokenize(
        _ text: ByteBuffer, limit: Int, _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) {
        if let splitter {
            text.pad()
            return splitter.tokenize(text.bytes, limit: limit, into: ids)
        }
        workspace.words.removeAll(keepingCapacity: true)
        if let preTokenizer {
            preTokenizer.split(text.bytes, into: &workspace.words)
        } else if text.count > 0 {
            workspace.words.append(0..<text.count)
        }
        model.tokenize(text.bytes, words: workspace.words, limit: limit, into: ids)
    }
}
