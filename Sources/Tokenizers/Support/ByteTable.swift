/// A hash table from byte strings to token ids, made for finding the longest known start of a word.
///
/// The hash of a string is made byte by byte, so hashing a word once gives the hashes of all its starts. Slots are
/// searched in order (open addressing); at least half are free.
struct ByteTable: Sendable {
    fileprivate struct Slot {
        var id: Int32  // ``notFound`` in a free slot
        var tag: UInt32  // a part of the hash, so that different strings are seldom compared
        var offset: UInt32
        var length: UInt32
    }

    /// The result of looking up a string that is not in the table.
    static let notFound: Int32 = -1

    private var slots: [Slot] = []
    private var bytes: [UInt8] = []
    private let shift: UInt64
    /// The length of the longest string.
    private(set) var longest = 0

    /// - Parameter strings: the strings with their ids, which must not be negative, of at most 4 GiB in all.
    ///   Of a string given twice the last id counts.
    init(_ strings: [(string: ArraySlice<UInt8>, id: Int32)]) {
        var capacity = 16
        var bits: UInt64 = 4
        while capacity < strings.count * 2 {
            capacity *= 2
            bits += 1
        }
        shift = 64 - bits
        slots = Array(repeating: Slot(id: Self.notFound, tag: 0, offset: 0, length: 0), count: capacity)
        bytes.reserveCapacity(strings.reduce(0) { $0 + $1.string.count })
        for (string, id) in strings { insert(string, id) }
    }

    private mutating func insert(_ string: ArraySlice<UInt8>, _ id: Int32) {
        let hash = string.reduce(Self.emptyHash) { Self.hash($0, adding: $1) }
        string.withUnsafeBufferPointer { string in
            let slot = slots.withUnsafeBufferPointer { slots in
                bytes.withUnsafeBufferPointer { bytes in
                    Reader(slots: slots, bytes: bytes, shift: shift).slot(of: string[...], hash: hash)
                }
            }
            slots[slot] = Slot(
                id: id, tag: Self.tag(hash), offset: UInt32(truncatingIfNeeded: bytes.count),
                length: UInt32(truncatingIfNeeded: string.count))
            bytes.append(contentsOf: string)
            longest = max(longest, string.count)
        }
    }
}

// MARK: - Hashing

extension ByteTable {
    /// The hash of the empty string.
    static let emptyHash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of a string with one byte more (FNV-1a with a multiplier that reaches all bits).
    @inline(__always)
    static func hash(_ hash: UInt64, adding byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
    }

    @inline(__always)
    private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 24) }
}

// MARK: - Looking up

extension ByteTable {
    /// Looks strings up while the table stays in place.
    struct Reader {
        fileprivate let slots: UnsafeBufferPointer<Slot>
        fileprivate let bytes: UnsafeBufferPointer<UInt8>
        fileprivate let shift: UInt64

        /// The id of a string, or ``ByteTable/notFound``.
        ///
        /// - Parameter hash: the string's hash.
        @inline(__always)
        func id(of string: Slice<UnsafeBufferPointer<UInt8>>, hash: UInt64) -> Int32 {
            slots[slot(of: string, hash: hash)].id
        }

        /// The slot that holds the string, or the free one where it belongs.
        @inline(__always)
        fileprivate func slot(of string: Slice<UnsafeBufferPointer<UInt8>>, hash: UInt64) -> Int {
            let mask = slots.count &- 1
            var position = Int(truncatingIfNeeded: hash >> shift)
            while true {
                let slot = slots[position]
                if slot.id == ByteTable.notFound { return position }
                if slot.tag == ByteTable.tag(hash), Int(slot.length) == string.count, matches(slot, string) {
                    return position
                }
                position = (position &+ 1) & mask
            }
        }

        @inline(__always)
        private func matches(_ slot: Slot, _ string: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
            var position = Int(slot.offset)
            for byte in string {
                if bytes[position] != byte { return false }
                position &+= 1
            }
            return true
        }
    }

    /// Calls the body with a reader that is valid only during the call.
    @inline(__always)
    func withReader<Result>(_ body: (Reader) throws -> Result) rethrows -> Result {
        try slots.withUnsafeBufferPointer { slots in
            try bytes.withUnsafeBufferPointer { bytes in
                try body(Reader(slots: slots, bytes: bytes, shift: shift))
            }
        }
    }
}
