/// Turns SentencePiece's visible space back into a space; in the first token, where it was added, into nothing.
struct MetaspaceDecoder: TokenDecoder {
    private let replacement: [UInt8]
    private let isPrepended: Bool

    init(_ configuration: StageConfiguration) throws { self.init(try Metaspace(configuration)) }

    init(_ metaspace: Metaspace) {
        replacement = metaspace.replacement
        isPrepended = metaspace.scheme != .never
    }

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacingBytes(replacement, with: index == 0 && isPrepended ? [] : [0x20])
        }
    }
}
