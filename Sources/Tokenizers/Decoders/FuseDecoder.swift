/// Joins all tokens, so that the decoders after it see one text.
struct FuseDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { [Array(tokens.joined())] }
}
