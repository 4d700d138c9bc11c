/// The second stage: splits a text into words, which the model then splits into tokens.
protocol PreTokenizer: Sendable {
    /// Appends the words' byte ranges, in order.
    func split(_ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>])
}

extension StageRegistry where Stage == any PreTokenizer {
    /// The pre-tokenizers that `tokenizer.json` may name.
    static var preTokenizers: Self {
        Self(part: "pre_tokenizer", stages: ["BertPreTokenizer": { _ in BertPreTokenizer() }])
    }
}
