/// Replaces what a pattern finds in each token.
struct ReplaceDecoder: TokenDecoder {
    private let replace: Replace

    init(_ replace: Replace) { self.replace = replace }

    init(_ configuration: StageConfiguration) throws { replace = try Replace(configuration) }

    func decode(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        try tokens.map { token in
            var text = AlignedText(token)
            try replace.normalize(&text)
            return text.bytes
        }
    }
}
