/// Characters whose treatment is independent of their context: no neighbor joins them to a cluster or composes with them,
/// and no normal form makes white space of them. Not all such characters, but those of which most texts are made.
enum SelfContainedScalars {
    @inline(__always)
    static func contains(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xC0...0x24F,  // Latin letters
            0x391...0x3A1, 0x3A3...0x3CE,  // Greek letters
            0x410...0x481, 0x48A...0x52F,  // Cyrillic letters
            0x2010...0x2015, 0x2018...0x201E, 0x2020...0x2022, 0x2026,  // dashes, quotes, daggers, …
            0x20A0...0x20BF,  // currencies
            0x3001, 0x3002, 0x3008...0x3011,  // ideographic punctuation
            0x3041...0x3096, 0x30A1...0x30FA,  // kana
            0x4E00...0x9FFF,  // ideographs
            0xAC00...0xD7A3,  // Hangul syllables
            0xFF01...0xFF5E:  // full-width ASCII
            true
        default: false
        }
    }
}
