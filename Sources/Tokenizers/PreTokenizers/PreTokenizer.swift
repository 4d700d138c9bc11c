/// The second stage: splits a text into words, which the model then splits into tokens.
protocol PreTokenizer: Sendable {
    /// Splits each of the text's words further; it may change the text, too.
    func preTokenize(_ text: inout AlignedText) throws
}

/// A pre-tokenizer that leaves the text as it is.
protocol SplittingPreTokenizer: PreTokenizer {
    /// Appends the words' byte ranges, in order.
    ///
    /// - Parameter budget: the limits for the whole text.
    func split(
        _ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>], _ budget: TextBudget) throws
}

extension SplittingPreTokenizer {
    func preTokenize(_ text: inout AlignedText) throws {
        let old = text.words
        let budget = text.budget
        text.words.removeAll(keepingCapacity: true)
        try text.bytes.withUnsafeBufferPointer { bytes in
            for word in old {
                let before = text.words.count
                try split(UnsafeBufferPointer(rebasing: bytes[word]), into: &text.words, budget)
                if word.lowerBound > 0 {
                    for index in before..<text.words.count {
                        let range = text.words[index]
                        text.words[index] =
                            range.lowerBound + word.lowerBound..<range.upperBound + word.lowerBound
                    }
                }
            }
        }
    }
}

/// Several pre-tokenizers, one after the other.
struct PreTokenizerSequence: PreTokenizer {
    var stages: [any PreTokenizer]

    func preTokenize(_ text: inout AlignedText) throws {
        for stage in stages {
            try stage.preTokenize(&text)
            // A stage makes at most a few bytes of one; many of them can make any number.
            try text.checkSize(stage: "tokenizer.json: pre_tokenizer")
        }
    }
}

extension StageRegistry where Stage == any PreTokenizer {
    /// The pre-tokenizers that `tokenizer.json` may name.
    static var preTokenizers: Self {
        Self(
            part: "pre_tokenizer",
            stages: [
                "BertPreTokenizer": { _ in BertPreTokenizer() },
                "ByteLevel": { try ByteLevel($0) },
                "CharDelimiterSplit": { try SplitPreTokenizer(delimiter: $0) },
                "Digits": { try SplitPreTokenizer(digits: $0) },
                "Metaspace": { try Metaspace($0) },
                "Punctuation": { try SplitPreTokenizer(punctuation: $0) },
                "Sequence": {
                    PreTokenizerSequence(
                        stages: try Self.preTokenizers.makeAll(from: $0, key: "pretokenizers"))
                },
                "Split": { try SplitPreTokenizer($0) },
                "Whitespace": { _ in SplitPreTokenizer(.whitespace, .removed, inverts: true) },
                "WhitespaceSplit": { _ in
                    SplitPreTokenizer(.characters(UnicodeTables.whitespace), .removed, inverts: false)
                },
            ])
    }
}
