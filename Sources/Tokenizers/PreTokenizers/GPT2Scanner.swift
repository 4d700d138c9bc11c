/// Splits a text as GPT-2's regular expression does: contractions; letters, digits or other characters, each with a
/// space before; white space.
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
struct GPT2Scanner: Sendable {
    static let shared = GPT2Scanner()

    private let kinds = CharacterKinds.shared

    /// Calls the body with where each word begins and ends, as long as it returns true.
    @inline(__always)
    func forEachWord(_ text: UnsafeBufferPointer<UInt8>, _ body: (Int, Int) throws -> Bool) rethrows {
        var place = 0
        let end = text.count
        while place < end {
            let start = place
            if text[place] == UInt8(ascii: "'"), let length = contraction(text, place) {
                place &+= length
                guard try body(start, place) else { return }
                continue
            }
            var (kind, length) = kinds.kind(text, place)
            if kind == CharacterKinds.space {
                // White space before a word leaves its last character to the word, which takes it if it is a space.
                var last = place
                while kind == CharacterKinds.space {
                    last = place
                    place &+= length
                    if place >= end { break }
                    (kind, length) = kinds.kind(text, place)
                }
                if place >= end {
                    _ = try body(start, end)
                    return
                }
                if last > start { guard try body(start, last) else { return } }
                guard text[last] == 0x20 else {
                    guard try body(last, place) else { return }
                    continue
                }
                place = kinds.endOfRun(text, place, kind)
                guard try body(last, place) else { return }
                continue
            }
            place = kinds.endOfRun(text, place &+ length, kind)
            guard try body(start, place) else { return }
        }
    }

    @inline(__always)
    private func contraction(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int? {
        guard place + 1 < text.count else { return nil }
        switch text[place + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        default: break
        }
        guard place + 2 < text.count else { return nil }
        switch (text[place + 1], text[place + 2]) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return 3
        default: return nil
        }
    }
}
