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

    private var slots: [Slot]
    private let bytes: [UInt8]
    private let shift: UInt64
    /// The length of the longest string.
    let longest: Int

    /// - Parameter strings: the strings with their ids, which must not be negative, of at most 4 GiB in all.
    ///   Of a string given twice the last id counts.
    init(_ strings: [(string: ArraySlice<UInt8>, id: Int32)]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(strings.reduce(0) { $0 + $1.string.count })
        let ends = strings.map { string, _ in
            bytes.append(contentsOf: string)
            return UInt32(truncatingIfNeeded: bytes.count)
        }
        self.init(bytes, ends: ends, ids: strings.map(\.id))
    }

    /// - Parameters:
    ///   - bytes: the strings one behind the other, at most 4 GiB.
    ///   - ends: the end of each.
    ///   - ids: their ids, which must not be negative. Of a string given twice the last counts.
    init(_ bytes: [UInt8], ends: [UInt32], ids: [Int32]) {
        var capacity = 16
        var bits: UInt64 = 4
        while capacity < ids.count * 2 {
            capacity *= 2
            bits += 1
        }
        let shift = 64 - bits
        var longest = 0
        slots = Array(repeating: Slot(id: Self.notFound, tag: 0, offset: 0, length: 0), count: capacity)
        slots.withUnsafeMutableBufferPointer { slots in
            bytes.withUnsafeBufferPointer { bytes in
                let reader = Reader(slots: UnsafeBufferPointer(slots), bytes: bytes, shift: shift)
                var start = 0
                for (end, id) in zip(ends, ids) {
                    let string = bytes[start..<Int(end)]
                    var hash = Self.emptyHash
                    for byte in string { hash = Self.hash(hash, adding: byte) }
                    slots[reader.slot(of: string, after: [], hash: hash)] = Slot(
                        id: id, tag: Self.tag(hash), offset: UInt32(truncatingIfNeeded: start),
                        length: UInt32(truncatingIfNeeded: string.count))
                    longest = max(longest, string.count)
                    start = Int(end)
                }
            }
        }
        (self.bytes, self.shift, self.longest) = (bytes, shift, longest)
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
        /// - Parameters:
        ///   - string: the string, or what of it comes after the prefix.
        ///   - prefix: its beginning.
        ///   - hash: the whole string's hash.
        @inline(__always)
        func id(of string: Slice<UnsafeBufferPointer<UInt8>>, after prefix: [UInt8] = [], hash: UInt64)
            -> Int32
        {
            slots[slot(of: string, after: prefix, hash: hash)].id
        }

        /// The slot that holds the string, or the free one where it belongs.
        @inline(__always)
        fileprivate func slot(
            of string: Slice<UnsafeBufferPointer<UInt8>>, after prefix: [UInt8], hash: UInt64
        ) -> Int {
            let mask = slots.count &- 1
            var position = Int(truncatingIfNeeded: hash >> shift)
            while true {
                let slot = slots[position]
                if slot.id == ByteTable.notFound { return position }
                if slot.tag == ByteTable.tag(hash), Int(slot.length) == prefix.count &+ string.count,
                    matches(slot, string, after: prefix)
                {
                    return position
                }
                position = (position &+ 1) & mask
            }
        }

        private func matches(
            _ slot: Slot, _ string: Slice<UnsafeBufferPointer<UInt8>>, after prefix: [UInt8]
        ) -> Bool {
            var position = Int(slot.offset)
            for byte in prefix {
                if bytes[position] != byte { return false }
                position &+= 1
            }
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
