/// The members of an object whose values are all whole numbers, such as a vocabulary: keys one behind the other in one array, without
/// a string and a value for each.
///
/// Keys differ from one another, and are valid UTF-8.
public struct JSONIntegers: Sendable {
    /// The keys' UTF-8, in the order of the members.
    public private(set) var bytes: [UInt8] = []
    /// The end of each key in ``bytes``.
    public private(set) var ends: [UInt32] = []
    /// The values.
    public private(set) var values: [Int] = []

    /// An open-addressing hash table: in each slot the upper half of a key's hash and its position plus one, or 0.
    private var slots: [UInt64] = []

    /// Objects of fewer members are not packed.
    static let fewest = 16

    /// The members of an object; `nil` where a value is no whole number.
    init?(_ object: JSONObject) {
        for (key, value) in object {
            guard let value = value.intValue else { return nil }
            var key = key
            _ = key.withUTF8 { append(UnsafeRawBufferPointer($0), value) }
        }
    }

    /// The number of members.
    public var count: Int { values.count }

    /// The key of a member.
    func key(_ position: Int) -> String { String(decoding: bytes[range(position)], as: UTF8.self) }

    private func range(_ position: Int) -> Range<Int> {
        (position == 0 ? 0 : Int(ends[position - 1]))..<Int(ends[position])
    }

    /// The position of a key, if it is there.
    func position(of key: String) -> Int? {
        guard !slots.isEmpty else { return nil }
        var key = key
        return key.withUTF8 { key in
            let key = UnsafeRawBufferPointer(key)
            return bytes.withUnsafeBytes { bytes in
                find(key, hash: KeyHash.hash(key), in: bytes).position
            }
        }
    }

    /// Appends a member.
    ///
    /// - Parameter key: The key's UTF-8.
    /// - Returns: False where the key is there already, and nothing was appended.
    mutating func append(_ key: UnsafeRawBufferPointer, _ value: Int) -> Bool {
        if count * 2 >= slots.count { grow() }
        let hash = KeyHash.hash(key)
        let (slot, position) = bytes.withUnsafeBytes { find(key, hash: hash, in: $0) }
        if position != nil { return false }
        bytes.append(contentsOf: key)
        ends.append(UInt32(truncatingIfNeeded: bytes.count))
        values.append(value)
        slots[slot] = Self.entry(hash, count - 1)
        return true
    }

    private static func entry(_ hash: UInt64, _ position: Int) -> UInt64 {
        hash & 0xFFFF_FFFF_0000_0000 | UInt64(truncatingIfNeeded: position + 1)
    }

    /// The slot that holds a key, and its position; or the free slot where it belongs.
    private func find(
        _ key: UnsafeRawBufferPointer, hash: UInt64, in bytes: UnsafeRawBufferPointer
    ) -> (slot: Int, position: Int?) {
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32 {
                let position = Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
                if UnsafeRawBufferPointer(rebasing: bytes[range(position)]).elementsEqual(key) {
                    return (slot, position)
                }
            }
            slot = (slot &+ 1) & mask
        }
        return (slot, nil)
    }

    private mutating func grow() {
        let capacity = max(64, slots.count * 4)
        slots = [UInt64](repeating: 0, count: capacity)
        bytes.withUnsafeBytes { bytes in
            for position in 0..<count {
                let hash = KeyHash.hash(UnsafeRawBufferPointer(rebasing: bytes[range(position)]))
                var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
                while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
                slots[slot] = Self.entry(hash, position)
            }
        }
    }
}

/// A hash of bytes, seeded per process so that no input can be made to collide on purpose: eight bytes at a time, each mixed in by
/// the two halves of a product.
enum KeyHash {
    private static let seeds = (UInt64.random(in: .min ... .max) | 1, UInt64.random(in: .min ... .max) | 1)

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let seeds = seeds
        var hash = seeds.0 ^ UInt64(truncatingIfNeeded: bytes.count)
        var place = 0
        while place &+ 8 <= bytes.count {
            hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self), seeds.1)
            place &+= 8
        }
        var rest: UInt64 = 0
        while place < bytes.count {
            rest = rest << 8 | UInt64(bytes[place])
            place &+= 1
        }
        return mix(hash ^ rest, seeds.1)
    }

    @inline(__always)
    private static func mix(_ value: UInt64, _ factor: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }
}
