/// The merges of a ``BPE``: for two tokens side by side, which token they become, and the merge's rank.
///
/// Slots are searched in order (open addressing); at least half are free.
struct MergeTable: Sendable {
    struct Merge: BitwiseCopyable {
        var pair: UInt64
        var rank: Int32
        var id: Int32
    }

    private let slots: ConstantTable<Merge>
    private let shift: UInt64
    private static let free = UInt64.max

    /// Of a pair given twice the last counts.
    init(_ merges: [(left: Int32, right: Int32, id: Int32)]) {
        var bits: UInt64 = 4
        while 1 << bits < merges.count * 2 { bits += 1 }
        let free = Merge(pair: Self.free, rank: 0, id: 0)
        slots = ConstantTable(repeating: free, count: 1 << bits) { slots in
            for (rank, merge) in merges.enumerated() {
                let pair = Self.pair(merge.left, merge.right)
                var place = Int(truncatingIfNeeded: Self.hash(pair) >> (64 - bits))
                while slots[place].pair != Self.free, slots[place].pair != pair {
                    place = (place + 1) & (slots.count - 1)
                }
                slots[place] = Merge(pair: pair, rank: Int32(rank), id: merge.id)
            }
        }
        shift = 64 - bits
    }

    /// All merges, those of the lowest rank first.
    var all: [(left: Int32, right: Int32, id: Int32)] {
        (0..<slots.count).map { slots[$0] }.filter { $0.pair != Self.free }.sorted { $0.rank < $1.rank }.map {
            (Int32(truncatingIfNeeded: $0.pair >> 32), Int32(truncatingIfNeeded: $0.pair), $0.id)
        }
    }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private static func hash(_ pair: UInt64) -> UInt64 { (pair ^ pair &>> 29) &* 0x9E37_79B9_7F4A_7C15 }

    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge? {
        let pair = Self.pair(left, right)
        var place = Int(truncatingIfNeeded: Self.hash(pair) &>> shift)
        while true {
            let slot = slots[place]
            if slot.pair == pair { return slot }
            if slot.pair == Self.free { return nil }
            place = (place &+ 1) & (slots.count &- 1)
        }
    }
}
