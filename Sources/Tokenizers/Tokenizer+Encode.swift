import Storage

extension Tokenizer {
    /// Encodes a text, or a pair of texts.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - pair: a second text.
    ///   - addSpecialTokens: true to add tokens such as `[CLS]` and `[SEP]`.
    ///   - maxLength: the greatest number of tokens, special ones included; without it nothing is cut.
    ///   - truncation: the text of a pair that is truncated.
    ///   - truncationSide: the end at which tokens are cut off; by default the tokenizer's ``truncationSide``.
    /// - Throws: ``TokenizerError/truncation(_:)`` if the text cannot be cut to `maxLength`.
    public func encode(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil
    ) throws -> Encoding {
        let request = request(addSpecialTokens, maxLength, truncation, truncationSide)
        return try workspaces.withWorkspace { try encode(TextPair(text, pair: pair), request, $0) }
    }

    /// Encodes many texts in parallel.
    ///
    /// - Parameters:
    ///   - batch: the texts or pairs.
    ///   - addSpecialTokens: true to add tokens such as `[CLS]` and `[SEP]`.
    ///   - maxLength: the greatest number of tokens, special ones included; without it nothing is cut.
    ///   - truncation: the text of a pair that is truncated.
    ///   - truncationSide: the end at which tokens are cut off; by default the tokenizer's ``truncationSide``.
    ///   - threads: the number of threads; by default that of the cores.
    /// - Returns: the encodings, in the order of the texts.
    /// - Throws: what ``encode(_:pair:addSpecialTokens:maxLength:truncation:truncationSide:)`` throws for the first
    ///   text that cannot be encoded.
    public func encode(
        batch: [TextPair], addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil, threads: Int? = nil
    ) throws -> [Encoding] {
        let request = request(addSpecialTokens, maxLength, truncation, truncationSide)
        let threads = max(1, threads ?? Processors.activeCount)
        return try ParallelChunks.map(batch, threads: threads, workspaces: workspaces) { item, workspace in
            try encode(item, request, workspace)
        }
    }

    /// Encodes many single texts in parallel;
    /// see ``encode(batch:addSpecialTokens:maxLength:truncation:truncationSide:threads:)-([TextPair],_,_,_,_,_)``.
    public func encode(
        batch: [String], addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil, threads: Int? = nil
    ) throws -> [Encoding] {
        try encode(
            batch: batch.map { TextPair($0) }, addSpecialTokens: addSpecialTokens, maxLength: maxLength,
            truncation: truncation, truncationSide: truncationSide, threads: threads)
    }

    /// Makes a request from the parameters of `encode`.
    func request(
        _ addSpecialTokens: Bool, _ maxLength: Int?, _ truncation: TruncationStrategy, _ side: Side?
    ) -> EncodeRequest {
        EncodeRequest(
            postProcessor, addSpecialTokens: addSpecialTokens,
            truncation: maxLength.map {
                Truncation(maxLength: $0, strategy: truncation, side: side ?? truncationSide)
            })
    }

    /// Takes a text, or a pair, through all stages.
    private func encode(_ input: TextPair, _ request: EncodeRequest, _ workspace: EncodeWorkspace) throws
        -> Encoding
    {
        let kept = try tokenize(input.text, input.pair, request, workspace)
        let template = request.template(isPair: input.pair != nil)
        var encoding = Encoding(
            capacity: kept.first.count + kept.second.count + template.specialTokenCount)
        for piece in template.pieces {
            switch piece.content {
            case .special(let id): encoding.append([id], typeID: piece.typeID, special: true)
            case .first:
                encoding.append(workspace.first.elements[kept.first], typeID: piece.typeID, special: false)
            case .second:
                encoding.append(workspace.second.elements[kept.second], typeID: piece.typeID, special: false)
            }
        }
        return encoding
    }
}
