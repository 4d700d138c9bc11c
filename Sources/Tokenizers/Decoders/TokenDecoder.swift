/// Turns tokens back into text. Tokens are UTF-8, and so is what comes of them.
protocol TokenDecoder: Sendable {
    /// Returns the text of each token; joined, they are the decoded text.
    func decode(_ tokens: [[UInt8]]) throws -> [[UInt8]]
}

/// Several decoders, one after the other.
struct DecoderSequence: TokenDecoder {
    let stages: [any TokenDecoder]

    func decode(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        try stages.reduce(tokens) { try $1.decode($0) }
    }
}

extension StageRegistry where Stage == any TokenDecoder {
    /// The decoders that `tokenizer.json` may name.
    static var decoders: Self {
        Self(
            part: "decoder",
            stages: [
                "BPEDecoder": { try BPEDecoder($0) },
                "ByteFallback": { _ in ByteFallbackDecoder() },
                "ByteLevel": { _ in ByteLevelDecoder() },
                "CTC": { try CTCDecoder($0) },
                "Fuse": { _ in FuseDecoder() },
                "Metaspace": { try MetaspaceDecoder($0) },
                "Replace": { try ReplaceDecoder($0) },
                "Sequence": {
                    DecoderSequence(stages: try Self.decoders.makeAll(from: $0, key: "decoders"))
                },
                "Strip": { try StripDecoder($0) },
                "WordPiece": { try WordPieceDecoder($0) },
            ])
    }
}
