/// The tokens of short words that a thread has met: of up to 15 bytes, and up to three tokens, as nearly all are. What
/// a word takes is half a line of the processor's cache.
///
/// A word has two slots; a new one takes the first, and moves its previous entry to the second.
final class WordCache {
    /// A word of up to 15 bytes, filled up with zeros; in the top byte its length and other distinguishing bits.
    struct Key: BitwiseCopyable, Equatable {
        var low: UInt64
        var high: UInt64

        /// Reads a word.
        ///
        /// - Parameters:
        ///   - start: its beginning.
        ///   - count: its length, from 1 to 15.
        ///   - available: the number of bytes that may be read from there on.
        ///   - mark: up to 15; words of different marks are different.
        @inline(__always)
        init(_ start: UnsafePointer<UInt8>, _ count: Int, available: Int, mark: UInt64 = 0) {
            let top = (UInt64(truncatingIfNeeded: count) | mark &<< 4) &<< 56
            if available >= 16 {
                let (first, second) = (EightBytes.load(start), EightBytes.load(start + 8))
                if count < 8 {
                    low = EightBytes.prefix(first, count)
                    high = top
                } else {
                    low = first
                    high = EightBytes.prefix(second, count &- 8) | top
                }
                return
            }
            low = 0
            high = top
            for place in 0..<count {
                let byte = UInt64(start[place]) &<< UInt64(truncatingIfNeeded: (place & 7) &<< 3)
                if place < 8 { low |= byte } else { high |= byte }
            }
        }

        @inline(__always)
        fileprivate var hash: UInt64 {
            var hash = (low ^ high &* 0xD6E8_FEB8_6659_FD93) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash &>> 32
            return hash &* 0x9E37_79B9_7F4A_7C15
        }
    }

    /// The longest word, in bytes.
    static let longest = 15
    private static let mostTokens = 3

    private struct Entry: BitwiseCopyable {
        var low: UInt64 = 0
        var high: UInt64 = 0  // never 0 where there is a word
        var first: Int32 = 0
        var second: Int32 = 0
        var third: Int32 = 0
        var count: Int32 = 0
    }

    private var entries: UnsafeMutablePointer<Entry>
    private var bits: UInt64 = 0
    private var used = 0
    /// At most 1 MiB; small at first, since a thread may meet one short text.
    private static let (fewestBits, mostBits): (UInt64, UInt64) = (5, 15)

    init() {
        bits = Self.fewestBits
        entries = .allocate(capacity: 1 << Int(bits))
        entries.initialize(repeating: Entry(), count: 1 << Int(bits))
    }

    deinit { entries.deallocate() }

    @inline(__always)
    private func place(of key: Key) -> Int {
        Int(truncatingIfNeeded: key.hash &>> (64 &- bits)) & ~1
    }

    /// Appends the tokens of a word, if they are known.
    @inline(__always)
    func append(_ key: Key, to ids: TokenBuffer) -> Bool {
        let place = place(of: key)
        var entry = entries[place]
        if entry.low != key.low || entry.high != key.high {
            entry = entries[place &+ 1]
            if entry.low != key.low || entry.high != key.high { return false }
        }
        ids.reserve(Self.mostTokens)
        let target = ids.start + ids.count
        target[0] = entry.first
        target[1] = entry.second
        target[2] = entry.third
        ids.count &+= Int(entry.count)
        return true
    }

    /// Keeps the tokens of a word: the last ones, from an index on.
    func remember(_ key: Key, _ ids: TokenBuffer, from start: Int) {
        let count = ids.count - start
        guard count <= Self.mostTokens else { return }
        used += 1
        if bits < Self.mostBits, used > 1 << Int(bits - 1) { grow() }
        let tokens = ids.start + start
        insert(
            Entry(
                low: key.low, high: key.high, first: count > 0 ? tokens[0] : 0,
                second: count > 1 ? tokens[1] : 0,
                third: count > 2 ? tokens[2] : 0, count: Int32(truncatingIfNeeded: count)), of: key)
    }

    private func insert(_ entry: Entry, of key: Key) {
        let place = place(of: key)
        if entries[place].high != 0 { entries[place + 1] = entries[place] }
        entries[place] = entry
    }

    private func grow() {
        let (old, count) = (entries, 1 << Int(bits))
        bits = min(bits + 3, Self.mostBits)
        entries = .allocate(capacity: 1 << Int(bits))
        entries.initialize(repeating: Entry(), count: 1 << Int(bits))
        for index in 0..<count where old[index].high != 0 {
            insert(old[index], of: Key(low: old[index].low, high: old[index].high))
        }
        old.deallocate()
    }
}

extension WordCache.Key {
    fileprivate init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}
