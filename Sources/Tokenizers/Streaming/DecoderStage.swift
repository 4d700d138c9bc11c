/// A decoder that takes its tokens while they come.
protocol DecoderStage: Sendable {
    /// Takes further tokens, and returns those that are final.
    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]]
    /// Returns the rest.
    mutating func finish() throws -> [[UInt8]]
}

extension DecoderStage {
    mutating func finish() throws -> [[UInt8]] { [] }
}

/// The stages of a decoder.
enum DecoderStages {
    static func make(_ decoder: any TokenDecoder) -> [any DecoderStage] {
        let decoders = flat(decoder)
        var stages: [any DecoderStage] = []
        // Once tokens are joined, what comes is pieces of one token.
        var isJoined = false
        for decoder in decoders {
            switch (decoder, isJoined) {
            case (is FuseDecoder, _): isJoined = true
            case (is ByteLevelDecoder, false):
                stages.append(ByteLevelStage())
                isJoined = true
            case (let strip as StripDecoder, true): stages.append(StripStage(strip))
            case (_, true): stages.append(CollectingStage(decoder))
            case (is ByteFallbackDecoder, false): stages.append(ByteFallbackStage())
            case (is CTCDecoder, false): stages.append(PreviousTokenStage(decoder))
            case (is BPEDecoder, false): stages.append(NextTokenStage(decoder))
            case (is WordPieceDecoder, false), (is MetaspaceDecoder, false):
                stages.append(FirstTokenStage(decoder))
            default: stages.append(SingleTokenStage(decoder: decoder))
            }
        }
        return stages
    }

    /// The decoders of a sequence, and of sequences in it.
    static func flat(_ decoder: any TokenDecoder) -> [any TokenDecoder] {
        (decoder as? DecoderSequence)?.stages.flatMap(flat) ?? [decoder]
    }
}

/// A decoder that looks at each token alone.
struct SingleTokenStage: DecoderStage {
    let decoder: any TokenDecoder

    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]] { try decoder.decode(tokens) }
}

/// A decoder that takes the first token otherwise.
struct FirstTokenStage: DecoderStage {
    private let decoder: any TokenDecoder
    private var isFirst = true

    init(_ decoder: any TokenDecoder) { self.decoder = decoder }

    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        guard !tokens.isEmpty else { return [] }
        defer { isFirst = false }
        return isFirst ? try decoder.decode(tokens) : Array(try decoder.decode([[]] + tokens).dropFirst())
    }
}

/// A decoder that looks at the token before each, and drops some.
struct PreviousTokenStage: DecoderStage {
    private let decoder: any TokenDecoder
    private var previous: [UInt8]?

    init(_ decoder: any TokenDecoder) { self.decoder = decoder }

    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        guard let last = tokens.last else { return [] }
        defer { previous = last }
        guard let previous else { return try decoder.decode(tokens) }
        return Array(try decoder.decode([previous] + tokens).dropFirst(try decoder.decode([previous]).count))
    }
}

/// A decoder that takes the last token otherwise.
struct NextTokenStage: DecoderStage {
    private let decoder: any TokenDecoder
    private var held: [[UInt8]] = []

    init(_ decoder: any TokenDecoder) { self.decoder = decoder }

    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        let all = held + tokens
        held = Array(all.suffix(1))
        return Array(try decoder.decode(all).dropLast())
    }

    mutating func finish() throws -> [[UInt8]] {
        defer { held = [] }
        return try decoder.decode(held)
    }
}

/// A decoder that must see all tokens.
struct CollectingStage: DecoderStage {
    private let decoder: any TokenDecoder
    private var token: [UInt8]?

    init(_ decoder: any TokenDecoder) { self.decoder = decoder }

    mutating func take(_ tokens: [[UInt8]]) throws -> [[UInt8]] {
        if !tokens.isEmpty { token = (token ?? []) + tokens.joined() }
        return []
    }

    mutating func finish() throws -> [[UInt8]] {
        defer { token = nil }
        return try decoder.decode([token ?? []])
    }
}
