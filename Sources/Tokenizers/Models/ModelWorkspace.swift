/// The range of a token in a text, in bytes.
struct TokenSpan: Equatable, BitwiseCopyable {
    var start: Int32
    var end: Int32
}

/// Memory that a thread uses again for each word, and the tokens of the words that it has met.
///
/// The cache is a table in which a word replaces the previous entry; when its texts are full it starts
/// anew, so that it stays within some megabytes.
final class ModelWorkspace {
    private struct Slot: BitwiseCopyable {
        var hash: UInt64 = 0
        var bytes: UInt32 = 0
        var length: UInt32 = 0
        var tokens: UInt32 = 0
        var count: UInt32 = 0
    }

    /// The tokens of all texts, in the order of their words.
    let spans = GrowingBuffer<TokenSpan>()

    /// Small at first, since a workspace may serve one short text.
    private var slots = [Slot](repeating: Slot(), count: 64)
    private var slotBits: UInt64 = 6
    private let bytes = ByteBuffer()
    private let tokens = TokenBuffer()
    private let tokenSpans = GrowingBuffer<TokenSpan>()

    private static let mostSlotBits: UInt64 = 15
    private static let longestWord = 256
    private static let mostBytes = 1 << 22

    /// Working memory of the models.
    var symbols: [BPESymbol] = []
    var queue: [BPECandidate] = []
    var bestIDs: [Int32] = []
    var bestStarts: [Int32] = []
    var bestScores: [Double] = []

    /// Appends a word's tokens: those of the cache, or else what the body makes.
    @inline(__always)
    func tokens(
        of word: UnsafeBufferPointer<UInt8>, at start: Int, into ids: TokenBuffer,
        make: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) rethrows {
        guard word.count <= Self.longestWord, let place = word.baseAddress else {
            return try add(word, at: start, into: ids, make)
        }
        let hash = Self.hash(place, word.count)
        let index = Int(truncatingIfNeeded: hash &>> (64 &- slotBits))
        let slot = slots[index]
        if slot.hash == hash, slot.length == word.count,
            Self.equal(bytes.start + Int(slot.bytes), place, word.count)
        {
            let count = Int(slot.count)
            ids.reserve(count)
            spans.reserve(count)
            let source = tokens.start + Int(slot.tokens)
            let sourceSpans = tokenSpans.start + Int(slot.tokens)
            let base = Int32(truncatingIfNeeded: start)
            for offset in 0..<count {
                ids.start[ids.count &+ offset] = source[offset]
                let span = sourceSpans[offset]
                spans.start[spans.count &+ offset] = TokenSpan(
                    start: span.start &+ base, end: span.end &+ base)
            }
            ids.count &+= count
            spans.count &+= count
            return
        }
        let before = ids.count
        try add(word, at: start, into: ids, make)
        remember(word, hash, ids, from: before, base: Int32(truncatingIfNeeded: start))
    }

    private func add(
        _ word: UnsafeBufferPointer<UInt8>, at start: Int, into ids: TokenBuffer,
        _ make: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) rethrows {
        let before = spans.count
        try make(word)
        for index in before..<spans.count {
            spans.start[index].start += Int32(truncatingIfNeeded: start)
            spans.start[index].end += Int32(truncatingIfNeeded: start)
        }
    }

    private func remember(
        _ word: UnsafeBufferPointer<UInt8>, _ hash: UInt64, _ ids: TokenBuffer, from before: Int,
        base: Int32
    ) {
        guard let place = word.baseAddress else { return }
        if bytes.count + word.count > Self.mostBytes {
            for index in slots.indices { slots[index] = Slot() }
            (bytes.count, tokens.count, tokenSpans.count) = (0, 0, 0)
        }
        if slotBits < Self.mostSlotBits, tokens.count > slots.count {
            slotBits = Self.mostSlotBits
            slots = Array(repeating: Slot(), count: 1 << Int(slotBits))
        }
        let index = Int(truncatingIfNeeded: hash &>> (64 &- slotBits))
        let count = ids.count - before
        slots[index] = Slot(
            hash: hash, bytes: UInt32(bytes.count), length: UInt32(word.count), tokens: UInt32(tokens.count),
            count: UInt32(count))
        bytes.append(place, count: word.count)
        tokens.append(ids.start + before, count: count)
        for offset in 0..<count {
            let span = spans.start[spans.count - count + offset]
            tokenSpans.append(TokenSpan(start: span.start - base, end: span.end - base))
        }
    }

    @inline(__always)
    private static func equal(_ one: UnsafePointer<UInt8>, _ other: UnsafePointer<UInt8>, _ count: Int)
        -> Bool
    {
        var position = 0
        while position &+ 8 <= count {
            if EightBytes.load(one + position) != EightBytes.load(other + position) { return false }
            position &+= 8
        }
        while position < count {
            if one[position] != other[position] { return false }
            position &+= 1
        }
        return true
    }

    /// Never 0, which marks a free slot.
    @inline(__always)
    private static func hash(_ word: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var position = 0
        while position &+ 8 <= count {
            hash = (hash ^ EightBytes.load(word + position)) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash &>> 29
            position &+= 8
        }
        var rest: UInt64 = 0
        while position < count {
            rest = rest &<< 8 | UInt64(word[position])
            position &+= 1
        }
        hash = (hash ^ rest) &* 0xD6E8_FEB8_6659_FD93
        return (hash ^ hash &>> 32) &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    /// Appends a token of the current word; its position is relative to the word's start.
    @inline(__always)
    func append(_ id: Int32, _ start: Int, _ end: Int, to ids: TokenBuffer) {
        ids.append(id)
        spans.append(TokenSpan(start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end)))
    }

    /// Appends the position of a token in the text.
    @inline(__always)
    func append(_ start: Int, _ end: Int) {
        spans.append(TokenSpan(start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end)))
    }
}
