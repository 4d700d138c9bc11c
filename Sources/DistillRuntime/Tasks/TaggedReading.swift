import Tokenizers

/// How a tagger reads texts: in windows, each token's prediction from the one in which it has most context.
package struct TaggedReading: Sendable {
    let tokenizer: Tokenizer
    let aggregation: EntityAggregation
    let maxLength: Int

    package init(tokenizer: Tokenizer, aggregation: EntityAggregation, maxLength: Int) {
        (self.tokenizer, self.aggregation, self.maxLength) = (tokenizer, aggregation, maxLength)
    }

    /// A text that is tokenized and cut into windows.
    package struct Passage: Sendable {
        let text: String
        let encoding: Encoding
        let windows: [TokenWindow]

        /// The number of tokens of all windows.
        package var tokenCount: Int { windows.reduce(0) { $0 + $1.tokens.count } }

        /// The windows as a model reads them.
        package var input: FlatEncoding {
            var input = FlatEncoding(ids: [], typeIDs: [], offsets: [0])
            for window in windows {
                input.ids += window.tokens.map { encoding.ids[$0] }
                input.typeIDs += window.tokens.map { encoding.typeIDs[$0] }
                input.offsets.append(input.ids.count)
            }
            return input
        }
    }

    /// A text's windows.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - isCut: True to cut a text that is longer than ``maxLength``, so that it is one window.
    ///   - side: The end at which it is cut; by default the tokenizer's.
    /// - Throws: `TokenizerError`.
    package func passage(_ text: String, isCut: Bool = false, side: Side? = nil) throws -> Passage {
        let encoding = try tokenizer.encodeWithOffsets(
            text, maxLength: isCut ? maxLength : nil, truncationSide: side)
        return Passage(
            text: text, encoding: encoding, windows: TokenWindow.windows(of: encoding, maxLength: maxLength))
    }

    /// The entities of a text.
    ///
    /// - Parameter rows: The logits of the tokens of ``Passage/input``, row after row.
    /// - Throws: `TokenizerError` where tokens cannot be decoded.
    package func entities(of passage: Passage, _ rows: ArraySlice<Float>) throws -> [EntityAggregation.Entity]
    {
        let width = aggregation.labels.count
        var logits = [Float](repeating: 0, count: passage.encoding.count * width)
        var start = rows.startIndex
        for window in passage.windows {
            for position in window.owned {
                let (row, token) = (start + position * width, window.tokens[position])
                logits.replaceSubrange(token * width..<(token + 1) * width, with: rows[row..<row + width])
            }
            start += window.tokens.count * width
        }
        let tokens = EntityAggregation.tokens(
            of: passage.text, encoding: passage.encoding, logits: logits, tokenizer: tokenizer)
        return try aggregation.entities(tokens) { try tokenizer.decode(tokens: $0) }
    }

    /// The entities of each text, in order.
    ///
    /// - Parameter compute: The logits of the tokens of windows, row after row.
    package func entities(of texts: [String], _ compute: (FlatEncoding) throws -> [Float]) throws
        -> [[EntityAggregation.Entity]]
    {
        let passages = try texts.enumerated().map { index, text in
            do { return try passage(text) } catch { throw TokenizerError.of(text: index, error) }
        }
        var input = FlatEncoding(ids: [], typeIDs: [], offsets: [0])
        for passage in passages { input.append(passage.input) }
        let rows = try compute(input)
        let width = aggregation.labels.count
        var start = 0
        return try passages.map { passage in
            let count = passage.tokenCount * width
            defer { start += count }
            return try entities(of: passage, rows[start..<start + count])
        }
    }
}

extension FlatEncoding {
    /// Appends the texts of another encoding.
    package mutating func append(_ other: FlatEncoding) {
        let start = ids.count
        ids += other.ids
        typeIDs += other.typeIDs
        offsets += other.offsets.dropFirst().map { start + $0 }
    }
}
