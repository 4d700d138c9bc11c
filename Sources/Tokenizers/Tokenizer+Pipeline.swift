/// Memory that a thread uses again for each text. One thread at a time has it, as ``WorkspacePool`` sees to.
final class EncodeWorkspace: @unchecked Sendable {
    /// The tokens of a text, or of the first of two, and of the second.
    let first = TokenBuffer()
    let second = TokenBuffer()

    /// The positions of the last tokenized text's tokens in that text, in bytes, if requested.
    fileprivate(set) var origins: [AlignedText.Origin] = []
    /// The text of each token that was found as an added one, or is unknown, by the token's index, if origins are
    /// requested.
    fileprivate(set) var addedTexts: [Int: String] = [:]

    private(set) lazy var model = ModelWorkspace()
    private(set) lazy var words = WordCache()
    let normalized = ByteBuffer()
    let piece = ByteBuffer()
    fileprivate var aligned = AlignedText()
    fileprivate var rawSegments: [AddedTokenMatcher.Segment] = []
    fileprivate var segments: [AddedTokenMatcher.Segment] = []
}

extension Tokenizer {
    /// Takes a text, or a pair, through all stages but the last.
    ///
    /// - Returns: the ranges of the workspace's tokens that remain.
    func tokenize(_ text: String, _ pair: String?, _ request: EncodeRequest, _ workspace: EncodeWorkspace)
        throws
        -> (first: Range<Int>, second: Range<Int>)
    {
        let limit = Self.limit(isPair: pair != nil, request.truncation)
        try tokenize(text, limit: limit, workspace, into: workspace.first)
        workspace.second.count = 0
        if let pair { try tokenize(pair, limit: limit, workspace, into: workspace.second) }
        if embeddings != nil {
            try checkEmbeddings(workspace.first)
            try checkEmbeddings(workspace.second)
        }
        return try kept(isPair: pair != nil, request, workspace)
    }

    /// Returns the ranges of the workspace's tokens that remain after truncation.
    func kept(isPair: Bool, _ request: EncodeRequest, _ workspace: EncodeWorkspace) throws -> (
        first: Range<Int>, second: Range<Int>
    ) {
        guard let truncation = request.truncation else {
            return (0..<workspace.first.count, 0..<workspace.second.count)
        }
        return try truncation.kept(
            workspace.first.count, isPair ? workspace.second.count : nil,
            specialTokens: request.template(isPair: isPair).specialTokenCount)
    }

    /// Returns the number of tokens of a text that have to be computed: of a single text, anything beyond the maximum
    /// length would be truncated again. How a pair is truncated depends on the lengths of both texts.
    private static func limit(isPair: Bool, _ truncation: Truncation?) -> Int {
        guard let truncation, truncation.side == .right, !isPair, truncation.strategy != .onlySecond
        else { return .max }
        // One more shows that there is something to cut.
        return truncation.maxLength == .max ? .max : truncation.maxLength + 1
    }

    /// Makes the tokens of one text, without special ones. Once there are `limit` of them, the rest may be missing.
    func tokenize(
        _ text: String, limit: Int, tracksOrigins: Bool = false, _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) throws {
        ids.count = 0
        workspace.origins.removeAll(keepingCapacity: true)
        workspace.addedTexts.removeAll()
        var text = text
        try text.withUTF8 { text in
            guard addedVocabulary.raw.mayOccur(in: text) else {
                return try tokenize(text, at: 0, limit: limit, tracksOrigins, workspace, into: ids)
            }
            workspace.rawSegments.removeAll(keepingCapacity: true)
            addedVocabulary.raw.split(text, into: &workspace.rawSegments)
            for segment in workspace.rawSegments where ids.count < limit {
                let piece = UnsafeBufferPointer(rebasing: text[segment.range])
                if let id = segment.id {
                    if tracksOrigins {
                        workspace.addedTexts[ids.count] = String(decoding: piece, as: UTF8.self)
                        workspace.origins.append(
                            .init(
                                start: Int32(segment.range.lowerBound), end: Int32(segment.range.upperBound)))
                    }
                    ids.append(id)
                } else {
                    try tokenize(
                        piece, at: segment.range.lowerBound, limit: limit, tracksOrigins, workspace, into: ids
                    )
                }
            }
        }
    }

    /// Tokenizes text that holds no added token but those that are looked for in normalized text.
    private func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, at start: Int, limit: Int, _ tracksOrigins: Bool,
        _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) throws {
        if let splitter, !tracksOrigins, normalizer == nil || bertNormalizer != nil {
            return normalizeAndTokenize(text, splitter, limit: limit, workspace, into: ids)
        }
        if !tracksOrigins, let path = directPaths.raw,
            try path.tokenize(text, at: start, limit: limit, workspace, into: ids)
        {
            return
        }
        workspace.aligned.reset(text, start: start, tracksOrigins: tracksOrigins || needsOrigins)
        try normalizer?.normalize(&workspace.aligned)
        let isCandidate = workspace.aligned.bytes.withUnsafeBufferPointer {
            addedVocabulary.normalized.mayOccur(in: $0)
        }
        guard isCandidate else {
            return try splitAndTokenize(limit: limit, tracksOrigins, workspace, into: ids)
        }
        let whole = workspace.aligned
        workspace.segments.removeAll(keepingCapacity: true)
        whole.bytes.withUnsafeBufferPointer {
            addedVocabulary.normalized.split($0, into: &workspace.segments)
        }
        for segment in workspace.segments where ids.count < limit {
            if let id = segment.id {
                if tracksOrigins {
                    workspace.addedTexts[ids.count] = String(
                        decoding: whole.bytes[segment.range], as: UTF8.self)
                    workspace.origins.append(whole.origin(of: segment.range))
                }
                ids.append(id)
                continue
            }
            workspace.aligned.bytes = Array(whole.bytes[segment.range])
            if whole.tracksOrigins { workspace.aligned.origins = Array(whole.origins[segment.range]) }
            workspace.aligned.isAtStart =
                whole.tracksOrigins
                ? whole.origin(of: segment.range).start == 0
                : whole.isAtStart && segment.range.lowerBound == 0
            try splitAndTokenize(limit: limit, tracksOrigins, workspace, into: ids)
        }
    }

    /// BERT's pipeline, in fewer passes.
    private func normalizeAndTokenize(
        _ text: UnsafeBufferPointer<UInt8>, _ splitter: BertWordPiece, limit: Int,
        _ workspace: EncodeWorkspace,
        into ids: TokenBuffer
    ) {
        let normalized = workspace.normalized
        normalized.count = 0
        if let bertNormalizer {
            bertNormalizer.normalize(text, into: normalized)
        } else if let start = text.baseAddress {
            normalized.append(start, count: text.count)
        }
        guard addedVocabulary.normalized.mayOccur(in: normalized.bytes) else {
            normalized.pad()
            return splitter.tokenize(normalized.bytes, limit: limit, into: ids)
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
                workspace.piece.pad()
                splitter.tokenize(workspace.piece.bytes, limit: limit, into: ids)
            }
        }
    }

    /// True if an unknown token stands for its original text when white space is trimmed from offsets, as it does with
    /// Unigram.
    private var keepsUnknownTexts: Bool { model is Unigram && postProcessor.trimming != nil }

    private func splitAndTokenize(
        limit: Int, _ tracksOrigins: Bool, _ workspace: EncodeWorkspace, into ids: TokenBuffer
    ) throws {
        workspace.aligned.words.removeAll(keepingCapacity: true)
        if workspace.aligned.bytes.isEmpty { return }
        if !tracksOrigins, let path = directPaths.normalized {
            let isDone = try workspace.aligned.bytes.withUnsafeBufferPointer {
                try path.tokenize($0, at: 0, limit: limit, workspace, into: ids)
            }
            if isDone { return }
        }
        workspace.aligned.words.append(0..<workspace.aligned.bytes.count)
        try preTokenizer?.preTokenize(&workspace.aligned)
        workspace.model.spans.count = 0
        try workspace.aligned.bytes.withUnsafeBufferPointer {
            try model.tokenize($0, words: workspace.aligned.words, limit: limit, workspace.model, into: ids)
        }
        guard tracksOrigins else { return }
        let first = workspace.origins.count
        for (index, span) in workspace.model.spans.elements.enumerated() {
            if keepsUnknownTexts, ids.start[first + index] == model.unknownTokenID {
                workspace.addedTexts[first + index] = String(
                    decoding: workspace.aligned.bytes[Int(span.start)..<Int(span.end)], as: UTF8.self)
            }
            workspace.origins.append(workspace.aligned.origin(of: Int(span.start)..<Int(span.end)))
        }
    }
}
