/// Whole words of ASCII letters and digits that are tokens, by their bytes in one or two registers.
///
/// Most words of a text are such words, so one look-up here replaces a walk down a trie. Slots are searched in order
/// (open addressing); at least half are free. Tokens of lower ids come first, which are the more frequent ones in
/// vocabularies that are sorted so.
struct WordTable: Sendable {
    /// A word of up to 7 bytes, filled up with zeros; zero in a free slot.
    private struct Short: BitwiseCopyable {
        var word: UInt64 = 0
        var id: Int32 = 0
    }

    /// A word of 8 to 15 bytes, in its first eight and the others filled up with zeros.
    private struct Long: BitwiseCopyable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var id: Int32 = 0
    }

    private let short: ConstantTable<Short>
    private let shortShift: UInt64
    private let long: ConstantTable<Long>
    private let longShift: UInt64

    /// Makes a table of a vocabulary's words.
    ///
    /// - Parameter maximumLength: longer words are left out.
    init(_ vocabulary: Vocabulary, maximumLength: Int) {
        var shortWords: [Short] = []
        var longWords: [Long] = []
        let longest = min(maximumLength, 15)
        vocabulary.withBytes { bytes, ends in
            var start = 0
            for (end, id) in zip(ends, vocabulary.ids) {
                let count = Int(end) - start
                defer { start = Int(end) }
                guard 0 < count, count <= longest else { continue }
                let (first, second) = Self.registers(bytes, start, count)
                guard
                    EightBytes.leadingAlphanumerics(first) + EightBytes.leadingAlphanumerics(second)
                        == count
                else { continue }
                if count < 8 {
                    shortWords.append(Short(word: first, id: id))
                } else {
                    longWords.append(Long(first: first, second: second, id: id))
                }
            }
        }
        (short, shortShift) = Self.table(shortWords, free: Short()) {
            Self.hash($0.word)
        } isFree: {
            $0.word == 0
        }
        (long, longShift) = Self.table(longWords, free: Long()) {
            Self.hash($0.first, $0.second)
        } isFree: {
            $0.first == 0
        }
    }

    /// The bytes of a word of up to 15, filled up with zeros.
    private static func registers(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> (
        UInt64, UInt64
    ) {
        if let base = bytes.baseAddress, start + 16 <= bytes.count {
            let (first, second) = (EightBytes.load(base + start), EightBytes.load(base + start + 8))
            return count < 8
                ? (EightBytes.prefix(first, count), 0) : (first, EightBytes.prefix(second, count - 8))
        }
        var registers: (UInt64, UInt64) = (0, 0)
        for place in (0..<count).reversed() {
            let byte = UInt64(bytes[start + place])
            if place < 8 {
                registers.0 = registers.0 << 8 | byte
            } else {
                registers.1 = registers.1 << 8 | byte
            }
        }
        return registers
    }

    private static func table<Slot: BitwiseCopyable>(
        _ words: [Slot], free: Slot, hash: (Slot) -> UInt64, isFree: (Slot) -> Bool
    ) -> (ConstantTable<Slot>, shift: UInt64) {
        var bits: UInt64 = 4
        while 1 << bits < words.count * 2 { bits += 1 }
        let table = ConstantTable(repeating: free, count: 1 << bits) { slots in
            for word in words {
                var place = Int(truncatingIfNeeded: hash(word) >> (64 - bits))
                while !isFree(slots[place]) { place = (place + 1) & (slots.count - 1) }
                slots[place] = word
            }
        }
        return (table, 64 - bits)
    }

    @inline(__always)
    private static func hash(_ word: UInt64) -> UInt64 {
        (word ^ word &>> 29) &* 0x9E37_79B9_7F4A_7C15
    }

    @inline(__always)
    private static func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
        hash(first ^ (second &* 0xD6E8_FEB8_6659_FD93))
    }
}

extension WordTable {
    /// The id of a word of 1 to 7 bytes, or `nil`.
    @inline(__always)
    func id(of word: UInt64) -> Int32? {
        var place = Int(truncatingIfNeeded: Self.hash(word) &>> shortShift)
        while true {
            let slot = short[place]
            if slot.word == word { return slot.id }
            if slot.word == 0 { return nil }
            place = (place &+ 1) & (short.count &- 1)
        }
    }

    /// The id of a word of 8 to 15 bytes, or `nil`.
    @inline(__always)
    func id(of first: UInt64, _ second: UInt64) -> Int32? {
        var place = Int(truncatingIfNeeded: Self.hash(first, second) &>> longShift)
        while true {
            let slot = long[place]
            if slot.first == first, slot.second == second { return slot.id }
            if slot.first == 0 { return nil }
            place = (place &+ 1) & (long.count &- 1)
        }
    }
}
