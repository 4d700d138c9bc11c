/// The first stage: makes texts that should be the same for the model the same, for instance by lower-casing.
///
/// A version that reports where each token stands in the text would have the normaliser also write, for each byte
/// of its output, the byte it came from.
protocol Normalizer: Sendable {
    /// Appends the normalised text to the output. Both are UTF-8.
    func normalize(_ text: UnsafeBufferPointer<UInt8>, into output: ByteBuffer)
}

extension StageRegistry where Stage == any Normalizer {
    /// The normalisers that `tokenizer.json` may name.
    static var normalizers: Self {
        Self(part: "normalizer", stages: ["BertNormalizer": { try BertNormalizer($0) }])
    }
}
