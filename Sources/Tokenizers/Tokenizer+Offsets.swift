extension Tokenizer {
    /// Encodes a text, or a pair of texts, with the position of each token in its text: ``Encoding/offsets``.
    ///
    /// - Parameters:
    ///   - text: the text.
    ///   - pair: a second text.
    ///   - addSpecialTokens: true to add tokens such as `[CLS]` and `[SEP]`; their offsets are empty.
    ///   - maxLength: the greatest number of tokens, special ones included; without it nothing is cut.
    ///   - truncation: the text of a pair that is truncated.
    ///   - truncationSide: the end at which tokens are cut off; by default the tokenizer's ``truncationSide``.
    /// - Throws: ``TokenizerError/truncation(_:)`` if the text cannot be cut to `maxLength`.
    public func encodeWithOffsets(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, maxLength: Int? = nil,
        truncation: TruncationStrategy = .longestFirst, truncationSide: Side? = nil
    ) throws -> Encoding {
        let request = request(addSpecialTokens, maxLength, truncation, truncationSide)
        return try workspaces.withWorkspace { try encodeWithOffsets(text, pair, request, $0) }
    }

    private func encodeWithOffsets(
        _ text: String, _ pair: String?, _ request: EncodeRequest, _ workspace: EncodeWorkspace
    ) throws -> Encoding {
        try tokenize(text, limit: .max, tracksOrigins: true, workspace, into: workspace.first)
        let first = PlacedTokens(text, workspace)
        workspace.second.count = 0
        var second: PlacedTokens?
        if let pair {
            try tokenize(pair, limit: .max, tracksOrigins: true, workspace, into: workspace.second)
            second = PlacedTokens(pair, workspace)
        }
        let kept = try kept(isPair: pair != nil, request, workspace)
        var encoding = Encoding(capacity: kept.first.count + kept.second.count + 4)
        for piece in request.template(isPair: pair != nil).pieces {
            switch piece.content {
            case .special(let id):
                encoding.append([id], typeID: piece.typeID, special: true)
                encoding.offsets.append(0..<0)
            case .first:
                encoding.append(workspace.first.elements[kept.first], typeID: piece.typeID, special: false)
                encoding.offsets += offsets(
                    first, kept.first, workspace.first, isStart: true, postProcessor.trimming)
            case .second:
                encoding.append(workspace.second.elements[kept.second], typeID: piece.typeID, special: false)
                guard let second else { continue }
                encoding.offsets += offsets(
                    second, kept.second, workspace.second, isStart: true, postProcessor.trimming)
            }
        }
        return encoding
    }

    /// The positions of the tokens that remain, without white space at their ends if the post-processor trims it.
    ///
    /// - Parameter isStart: true if no token comes before these.
    func offsets(
        _ placed: PlacedTokens, _ kept: Range<Int>, _ ids: TokenBuffer, isStart: Bool,
        _ trimming: OffsetTrimming?
    ) -> [Range<Int>] {
        guard let trimming else { return Array(placed.ranges[kept]) }
        return kept.map { index in
            let token = placed.addedTexts[index] ?? idToToken(ids.start[index]) ?? ""
            return Self.trim(
                placed.ranges[index], token, isFirst: isStart && index == kept.lowerBound, trimming)
        }
    }

    private static func trim(_ range: Range<Int>, _ token: String, isFirst: Bool, _ trimming: OffsetTrimming)
        -> Range<Int>
    {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar == "Ġ" || UnicodeTables.contains(scalar.value, in: UnicodeTables.whitespace)
        }
        var leading = token.unicodeScalars.prefix(while: isSpace).count
        let trailing = token.unicodeScalars.reversed().prefix(while: isSpace).count
        if isFirst || range.lowerBound == 0, trimming.addsPrefixSpace, leading == 1 { leading = 0 }
        let start = min(range.lowerBound + leading, range.upperBound)
        let end =
            trailing > 0 && range.upperBound >= trailing
            ? max(range.upperBound - trailing, start) : range.upperBound
        return start..<end
    }
}

/// The positions of the last tokenized text's tokens in that text.
struct PlacedTokens {
    /// In Unicode scalars.
    let ranges: [Range<Int>]
    /// The text of each token that was found as an added one, by the token's index.
    let addedTexts: [Int: String]

    init(_ text: String, _ workspace: EncodeWorkspace) {
        // The scalar that each byte belongs to.
        var places: [Int] = []
        places.reserveCapacity(text.utf8.count + 1)
        var place = -1
        for byte in text.utf8 {
            if byte & 0xC0 != 0x80 { place += 1 }
            places.append(place)
        }
        places.append(place + 1)
        ranges = workspace.origins.map { origin in
            let start = places[min(Int(origin.start), places.count - 1)]
            return start..<max(start, places[min(Int(origin.end), places.count - 1)])
        }
        addedTexts = workspace.addedTexts
    }
}
