/// Memory that a thread uses again for each text.
final class EncodeWorkspace {
    fileprivate let normalized = ByteBuffer()
    fileprivate var words: [Range<Int>] = []
    fileprivate var rawSegments: [AddedTokenMatcher.Segment] = []
    fileprivate var segments: [AddedTokenMatcher.Segment] = []
    fileprivate var tokens: [Int32] = []
}

extension Tokenizer {
    /// Takes a text, or a pair, through all stages.
    func encode(_ input: TextPair, _ request: EncodeRequest, _ workspace: EncodeWorkspace) throws -> Encoding
    {
        let limit = Self.limit(of: input, request.truncation)
        var first = tokenize(input.text, limit: limit, workspace)
        var second = input.pair.map { tokenize($0, limit: limit, workspace) }
        if let truncation = request.truncation {
            let isPair = second != nil
            let added = request.addSpecialTokens ? postProcessor.addedTokenCount(isPair: isPair) : 0
            try truncation.apply(to: &first, &second, specialTokens: added)
        }
        return postProcessor.process(first, second, addSpecialTokens: request.addSpecialTokens)
    }

    /// How many tokens of a text need be made: what lies beyond the greatest length of a single text would be cut
    /// off again. How a pair is cut depends on how long both texts are.
    private static func limit(of input: TextPair, _ truncation: Truncation?) -> Int {
        guard let truncation, truncation.side == .right, input.pair == nil, truncation.strategy != .onlySecond
        else { return .max }
        return truncation.maxLength
    }

    /// The tokens of one text, without special ones. Once there are `limit` of them, the rest may be missing.
    private func tokenize(_ text: String, limit: Int, _ workspace: EncodeWorkspace) -> [Int32] {
        workspace.tokens.removeAll(keepingCapacity: true)
        var text = text
        text.withUTF8 { text in
            guard !addedVocabulary.raw.isEmpty else {
                return normalizeAndTokenize(text, limit: limit, workspace)
            }
            workspace.rawSegments.removeAll(keepingCapacity: true)
            addedVocabulary.raw.split(text, into: &workspace.rawSegments)
            for segment in workspace.rawSegments where workspace.tokens.count < limit {
                if let id = segment.id {
                    workspace.tokens.append(id)
                } else {
                    let piece = UnsafeBufferPointer(rebasing: text[segment.range])
                    normalizeAndTokenize(piece, limit: limit, workspace)
                }
            }
        }
        return workspace.tokens
    }

    /// Tokenizes text that holds no added token but those that are looked for in normalised text.
    private func normalizeAndTokenize(
        _ text: UnsafeBufferPointer<UInt8>, limit: Int, _ workspace: EncodeWorkspace
    ) {
        var text = text
        if let normalizer {
            workspace.normalized.count = 0
            normalizer.normalize(text, into: workspace.normalized)
            text = workspace.normalized.bytes
        }
        guard !addedVocabulary.normalized.isEmpty else {
            return splitAndTokenize(text, limit: limit, workspace)
        }
        workspace.segments.removeAll(keepingCapacity: true)
        addedVocabulary.normalized.split(text, into: &workspace.segments)
        for segment in workspace.segments where workspace.tokens.count < limit {
            if let id = segment.id {
                workspace.tokens.append(id)
            } else {
                splitAndTokenize(UnsafeBufferPointer(rebasing: text[segment.range]), limit: limit, workspace)
            }
        }
    }

    private func splitAndTokenize(
        _ text: UnsafeBufferPointer<UInt8>, limit: Int, _ workspace: EncodeWorkspace
    ) {
        workspace.words.removeAll(keepingCapacity: true)
        if let preTokenizer {
            preTokenizer.split(text, into: &workspace.words)
        } else if !text.isEmpty {
            workspace.words.append(0..<text.count)
        }
        model.tokenize(text, words: workspace.words, limit: limit, into: &workspace.tokens)
    }
}
