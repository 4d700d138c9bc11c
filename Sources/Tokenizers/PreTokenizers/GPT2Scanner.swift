/// Splits a text as GPT-2's regular expression does: contractions; letters, digits or other characters, each with a
/// space before; white space.
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
struct GPT2Scanner: Sendable {
    static let shared = GPT2Scanner()

    private enum Kind {
        static let other: UInt8 = 0
        static let letter: UInt8 = 1
        static let number: UInt8 = 2
        static let space: UInt8 = 3
    }

    private let table: ScalarTable
    private let ascii: ConstantTable<UInt8>

    private init() {
        var table = ScalarTable()
        for (ranges, kind) in [
            (UnicodeTables.letters, Kind.letter), (UnicodeTables.numbers, Kind.number),
            (UnicodeTables.spaces, Kind.space),
        ] {
            UnicodeTables.forEachRange(in: ranges) { table.fill(UInt32(kind), from: $0, through: $1) }
        }
        self.table = table
        ascii = ConstantTable((0..<128).map { UInt8(table[$0]) })
    }

    @inline(__always)
    private func kind(_ text: UnsafeBufferPointer<UInt8>, _ place: Int) -> (kind: UInt8, length: Int) {
        let byte = text[place]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let scalar = UTF8Bytes.scalar(in: text, at: place)
        return (UInt8(truncatingIfNeeded: table[scalar.value]), scalar.length)
    }

    func split(_ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>]) {
        var place = 0
        let end = text.count
        while place < end {
            let start = place
            if text[place] == UInt8(ascii: "'"), let length = contraction(text, place) {
                place += length
                words.append(start..<place)
                continue
            }
            var (kind, length) = kind(text, place)
            if kind == Kind.space {
                // White space before a word leaves its last character to the word, which takes it if it is a space.
                var last = place
                while kind == Kind.space {
                    last = place
                    place &+= length
                    if place >= end { break }
                    (kind, length) = self.kind(text, place)
                }
                if place >= end {
                    words.append(start..<end)
                    return
                }
                if last > start { words.append(start..<last) }
                guard text[last] == 0x20 else {
                    words.append(last..<place)
                    continue
                }
                place = finish(text, place, kind)
                words.append(last..<place)
                continue
            }
            place = finish(text, place &+ length, kind)
            words.append(start..<place)
        }
    }

    /// The end of a run of one kind.
    @inline(__always)
    private func finish(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ kind: UInt8) -> Int {
        var place = start
        while place < text.count {
            let next = self.kind(text, place)
            if next.kind != kind { break }
            place &+= next.length
        }
        return place
    }

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
