/// Replaces what a pattern finds in each token.
struct ReplaceDecoder: TokenDecoder {
    private let replace: Replace

    init(_ configuration: StageConfiguration) throws { replace = try Replace(configuration) }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { token in
            var text = AlignedText()
            text.bytes = token
            replace.normalize(&text)
            return text.bytes
        }
    }
}
