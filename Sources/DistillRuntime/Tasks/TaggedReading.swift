import Tokenizers

/// How a tagger reads texts: in windows, each token's prediction from the one in which it has most context.
package struct TaggedReading {
    let tokenizer: Tokenizer
    let aggregation: EntityAggregation
    let maxLength: Int

    package init(tokenizer: Tokenizer, aggregation: EntityAggregation, maxLength: Int) {
        (self.tokenizer, self.aggregation, self.maxLength) = (tokenizer, aggregation, maxLength)
    }

    /// The entities of each text, in order.
    ///
    /// - Parameter compute: The logits of the tokens of windows, row after row.
    package func entities(of texts: [String], _ compute: (FlatEncoding) throws -> [Float]) throws
        -> [[EntityAggregation.Entity]]
    {
        let encodings = try texts.map { try tokenizer.encodeWithOffsets($0) }
        let windows = encodings.enumerated().flatMap { text, encoding in
            TokenWindow.windows(of: encoding, maxLength: maxLength).map { (text: text, window: $0) }
        }
        var input = FlatEncoding(ids: [], typeIDs: [], offsets: [0])
        for (text, window) in windows {
            input.ids += window.tokens.map { encodings[text].ids[$0] }
            input.typeIDs += window.tokens.map { encodings[text].typeIDs[$0] }
            input.offsets.append(input.ids.count)
        }
        let rows = try compute(input)
        let width = aggregation.labels.count
        var logits = encodings.map { [Float](repeating: 0, count: $0.count * width) }
        for (index, (text, window)) in windows.enumerated() {
            for position in window.owned {
                let (row, token) = (input.offsets[index] + position, window.tokens[position])
                logits[text].replaceSubrange(
                    token * width..<(token + 1) * width, with: rows[row * width..<(row + 1) * width])
            }
        }
        return try texts.indices.map { index in
            let tokens = EntityAggregation.tokens(
                of: texts[index], encoding: encodings[index], logits: logits[index], tokenizer: tokenizer)
            return try aggregation.entities(tokens) { try tokenizer.decode(tokens: $0) }
        }
    }
}
