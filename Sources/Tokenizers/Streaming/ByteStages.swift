/// ``ByteLevelDecoder``, which gives characters when their bytes are complete.
struct ByteLevelStage: DecoderStage {
    private var tail = UTF8Tail()

    mutating func take(_ tokens: [[UInt8]]) -> [[UInt8]] {
        let text = tail.take(tokens.flatMap { ByteLevelAlphabet.bytes(of: $0[...]) ?? $0 })
        return text.isEmpty ? [] : [Array(text.utf8)]
    }

    mutating func finish() -> [[UInt8]] { [Array(tail.finish().utf8)] }
}

/// ``ByteFallbackDecoder``, which gives a run of bytes when it has ended.
struct ByteFallbackStage: DecoderStage {
    private let decoder = ByteFallbackDecoder()
    private var run: [[UInt8]] = []

    mutating func take(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var final: [[UInt8]] = []
        for token in tokens {
            if decoder.decode([token]) != [token] {
                run.append(token)
            } else {
                final += finish()
                final.append(token)
            }
        }
        return final
    }

    mutating func finish() -> [[UInt8]] {
        defer { run = [] }
        return decoder.decode(run)
    }
}

/// ``StripDecoder`` behind one that joins all tokens: it strips the whole text.
struct StripStage: DecoderStage {
    private let strip: StripDecoder
    /// How often the character may still be stripped from the start.
    private var left: Int
    /// What the end may lose, in whole characters.
    private var held: [UInt8] = []

    init(_ strip: StripDecoder) {
        self.strip = strip
        left = strip.start
    }

    mutating func take(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var bytes = (held + tokens.joined())[...]
        held = []
        let content = strip.content
        while left > 0, !bytes.isEmpty {
            guard bytes.starts(with: content) else {
                left = 0
                break
            }
            bytes = bytes.dropFirst(content.count)
            left -= 1
        }
        var count = 0
        while count < strip.stop,
            bytes.dropLast(count * content.count).suffix(content.count).elementsEqual(content)
        {
            count += 1
        }
        held = Array(bytes.suffix(count * content.count))
        let final = Array(bytes.dropLast(count * content.count))
        return final.isEmpty ? [] : [final]
    }

    mutating func finish() -> [[UInt8]] {
        held = []
        return []
    }
}
