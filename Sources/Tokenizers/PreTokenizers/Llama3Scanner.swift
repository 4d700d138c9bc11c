/// Splits a text as the regular expression of GPT-4's and Llama 3's tokenizers does: contractions in either case;
/// letters with one other character before; up to three digits; other characters with a space before and line breaks
/// behind; line breaks with white space before; white space.
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
struct Llama3Scanner: Sendable {
    /// The maximum number of digits in a word: 3, or 1 as in Qwen's expression.
    let digits: Int

    private let kinds = CharacterKinds.shared

    init(digits: Int) { self.digits = digits }

    /// The scanner of an expression, if it is one of those known.
    init?(expression: String) {
        let head = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
        let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        switch expression {
        case head + "{1,3}" + tail: digits = 3
        case head + tail: digits = 1
        default: return nil
        }
    }

    /// Calls the body with where each word begins and ends, as long as it returns true.
    @inline(__always)
    func forEachWord(_ text: UnsafeBufferPointer<UInt8>, _ body: (Int, Int) throws -> Bool) rethrows {
        var place = 0
        while place < text.count {
            let end = endOfWord(text, place)
            guard try body(place, end) else { return }
            place = end
        }
    }

    private func endOfWord(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        if text[start] == UInt8(ascii: "'"), let length = contraction(text, start) { return start + length }
        let (kind, length) = kinds.kind(text, start)
        let next = start &+ length
        switch kind {
        case CharacterKinds.letter: return kinds.endOfRun(text, next, kind)
        case CharacterKinds.number:
            var (place, count) = (next, 1)
            while place < text.count, count < digits {
                let digit = kinds.kind(text, place)
                guard digit.kind == kind else { break }
                place &+= digit.length
                count += 1
            }
            return place
        default: break
        }
        if next < text.count, !Self.isLineBreak(text[start]) {
            let following = kinds.kind(text, next)
            if following.kind == CharacterKinds.letter { return kinds.endOfRun(text, next, following.kind) }
            if text[start] == 0x20, following.kind == CharacterKinds.other {
                return endOfLineBreaks(text, kinds.endOfRun(text, next, following.kind))
            }
        }
        if kind == CharacterKinds.other { return endOfLineBreaks(text, kinds.endOfRun(text, next, kind)) }
        return endOfSpace(text, start)
    }

    /// White space up to its last line break; else without its last character, unless the text ends there.
    private func endOfSpace(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var (place, last) = (start, start)
        var lineBreak: Int?
        while place < text.count {
            let (kind, length) = kinds.kind(text, place)
            guard kind == CharacterKinds.space else { break }
            last = place
            place &+= length
            if Self.isLineBreak(text[last]) { lineBreak = place }
        }
        if let lineBreak { return lineBreak }
        return place == text.count || last == start ? place : last
    }

    private func endOfLineBreaks(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var place = start
        while place < text.count, Self.isLineBreak(text[place]) { place &+= 1 }
        return place
    }

    @inline(__always)
    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private func contraction(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> Int? {
        func letter(_ offset: Int) -> UInt8 {
            place + offset < text.count ? text[place + offset] | 0x20 : 0
        }
        switch letter(1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r") where letter(2) == UInt8(ascii: "e"),
            UInt8(ascii: "v") where letter(2) == UInt8(ascii: "e"),
            UInt8(ascii: "l") where letter(2) == UInt8(ascii: "l"):
            return 3
        default: break
        }
        // The long s, which is an s in another case.
        if place + 2 < text.count, text[place + 1] == 0xC5, text[place + 2] == 0xBF { return 3 }
        return nil
    }
}
