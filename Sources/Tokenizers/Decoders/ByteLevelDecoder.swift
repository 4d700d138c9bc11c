/// Turns the characters of ``ByteLevelAlphabet`` back into bytes. What is not UTF-8 then becomes U+FFFD.
struct ByteLevelDecoder: TokenDecoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        let bytes = tokens.flatMap { ByteLevelAlphabet.bytes(of: $0[...]) ?? $0 }
        return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    }
}
