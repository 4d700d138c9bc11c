/// Makes letters lower case, one by one, without regard to their neighbors.
struct Lowercase: Normalizer {
    func normalize(_ text: inout AlignedText) {
        if text.isASCII {
            for place in text.bytes.indices where text.bytes[place] &- 0x41 < 26 { text.bytes[place] |= 0x20 }
            return
        }
        text.transform(
            text.scalars.flatMap { scalar in
                UnicodeTables.lowercased(scalar).enumerated().map { ($1, $0 > 0 ? 1 : 0) }
            })
    }
}

/// Drops marks; accents only where the text was decomposed before.
struct StripAccents: Normalizer {
    func normalize(_ text: inout AlignedText) {
        if text.isASCII { return }
        text.filter { $0 < 0x80 || !UnicodeTables.contains($0, in: UnicodeTables.marks) }
    }
}

/// Drops white space at the ends.
struct Strip: Normalizer {
    let left: Bool
    let right: Bool

    func normalize(_ text: inout AlignedText) {
        let scalars = text.scalars
        func isSpace(_ scalar: UInt32) -> Bool {
            UnicodeTables.contains(scalar, in: UnicodeTables.whitespace)
        }
        let leading = left ? scalars.prefix(while: isSpace).count : 0
        let trailing = right ? scalars.reversed().prefix(while: isSpace).count : 0
        guard leading + trailing > 0 else { return }
        guard leading < scalars.count, trailing < scalars.count else {
            text.bytes = []
            text.origins = []
            return
        }
        let start = scalars.prefix(leading).reduce(0) { $0 + UTF8Bytes.length(of: $1) }
        let end = text.bytes.count - scalars.suffix(trailing).reduce(0) { $0 + UTF8Bytes.length(of: $1) }
        text.bytes = Array(text.bytes[start..<end])
        if text.tracksOrigins { text.origins = Array(text.origins[start..<end]) }
    }
}

/// Puts text before the first character.
struct Prepend: Normalizer {
    let text: [UInt8]
    /// The file, and the path within it.
    let place: String

    func normalize(_ text: inout AlignedText) throws {
        try text.checkSize(text.bytes.count + self.text.count, stage: place)
        text.prepend(self.text)
    }
}

/// Replaces what a pattern finds.
struct Replace: Normalizer {
    let pattern: TextPattern
    let content: [UInt8]
    /// The file, and the path within it.
    private let place: String

    init(_ pattern: TextPattern, with content: String) {
        place = "normalizer"
        self.pattern = pattern
        self.content = Array(content.utf8)
    }

    init(_ configuration: StageConfiguration) throws {
        place = configuration.place
        pattern = try TextPattern(configuration)
        content = Array(try configuration.string("content").utf8)
    }

    func normalize(_ text: inout AlignedText) throws {
        let found = try text.bytes.withUnsafeBufferPointer { try pattern.matches(in: $0, text.budget) }
        try text.replace(found, with: content, stage: place)
    }
}

/// SentencePiece's cleaning for machine translation: drops control characters, makes odd white space a space.
struct Nmt: Normalizer {
    func normalize(_ text: inout AlignedText) {
        text.filter { !Self.isDropped($0) }
        text.transform(text.scalars.map { (Self.isSpace($0) ? 0x20 : $0, 0) })
    }

    static func isDropped(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: true
        default: false
        }
    }

    static func isSpace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: true
        default: false
        }
    }
}
