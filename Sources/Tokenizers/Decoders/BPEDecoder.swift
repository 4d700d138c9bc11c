/// Turns the suffix that ends words into a space, at the end of the text into nothing.
struct BPEDecoder: TokenDecoder {
    private let suffix: [UInt8]

    init(_ configuration: StageConfiguration) throws {
        let suffix = try configuration.string("suffix")
        guard !suffix.isEmpty else {
            throw configuration.malformed("suffix", "is empty; name the suffix that ends words")
        }
        self.suffix = Array(suffix.utf8)
    }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacingBytes(suffix, with: index == tokens.count - 1 ? [] : [0x20])
        }
    }
}
