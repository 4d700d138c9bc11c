/// The members of a JSON object, in the order in which they were written.
///
/// Keys are compared by their UTF-8 bytes, so a vocabulary may hold two spellings of "é". A look-up takes the
/// same time however large the object is. Members that are many and all whole numbers are held packed (``integers``).
public struct JSONObject: Sendable {
    /// A member of an object.
    public typealias Element = (key: String, value: JSONValue)

    private var elements: [Element] = []

    /// An open-addressing hash table: each slot holds a position in `elements`, or -1. Empty while the object
    /// is small enough to be searched from end to end.
    private var slots: [Int32] = []

    /// The hash of each element's key; empty when `slots` is.
    private var hashes: [Int] = []

    /// The members where they are packed; ``elements`` is empty then.
    private var packed: JSONIntegers?

    private static let largestUnindexed = 8

    /// Makes an empty object.
    public init() {}

    /// Makes an object of key-value pairs; of a key given twice the last value counts.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        for (key, value) in elements { self[key] = value }
    }

    /// Makes an object of packed members.
    init(_ integers: JSONIntegers) { packed = integers }

    /// The members as they are held where they are many and all whole numbers, as a parsed vocabulary is; else `nil`.
    public var integers: JSONIntegers? { packed }

    /// The number of members.
    public var count: Int { packed?.count ?? elements.count }

    /// True if there are no members.
    public var isEmpty: Bool { count == 0 }

    /// The keys, in order.
    public var keys: [String] { packed.map { packed in (0..<count).map(packed.key) } ?? elements.map(\.key) }

    /// The values, in order.
    public var values: [JSONValue] {
        packed?.values.map { .integer($0) } ?? elements.map(\.value)
    }

    /// The value of a key. Setting a new key appends it; setting `nil` removes the key.
    public subscript(key: String) -> JSONValue? {
        get {
            if let packed { return packed.position(of: key).map { .integer(packed.values[$0]) } }
            return position(of: key).map { elements[$0].value }
        }
        set {
            unpack()
            let position = position(of: key)
            switch (position, newValue) {
            case (let position?, let value?):
                elements[position].value = value
            case (nil, let value?):
                append(key, value)
            case (let position?, nil):
                elements.remove(at: position)
                reindex()
            case (nil, nil):
                break
            }
        }
    }

    /// Appends a member unless its key is there already.
    ///
    /// - Returns: true if the key was new.
    mutating func insertNew(_ key: String, _ value: JSONValue) -> Bool {
        unpack()
        let hash = slots.isEmpty ? nil : key.hashOfBytes
        if position(of: key, hash: hash) != nil { return false }
        append(key, value, hash: hash)
        return true
    }
}

// MARK: - Packed members

extension JSONObject {
    /// The members one by one.
    private var unpacked: [Element] {
        guard let packed else { return elements }
        return (0..<packed.count).map { (packed.key($0), .integer(packed.values[$0])) }
    }

    /// Holds the members one by one from now on.
    private mutating func unpack() {
        guard packed != nil else { return }
        elements = unpacked
        packed = nil
        reindex()
    }
}

// MARK: - The index

extension JSONObject {
    /// - Parameter hash: the key's hash, where it is known already.
    private func position(of key: String, hash: Int? = nil) -> Int? {
        if slots.isEmpty {
            return elements.firstIndex { $0.key.hasSameBytes(as: key) }
        }
        let found = slots[slot(of: key, hash: hash ?? key.hashOfBytes)]
        return found < 0 ? nil : Int(found)
    }

    /// The slot that holds the key, or the free slot where it belongs.
    private func slot(of key: String, hash: Int) -> Int {
        let mask = slots.count - 1  // the count is a power of two
        var slot = hash & mask
        while slots[slot] >= 0 {
            let position = Int(slots[slot])
            if hashes[position] == hash, elements[position].key.hasSameBytes(as: key) { break }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func append(_ key: String, _ value: JSONValue, hash: Int? = nil) {
        elements.append((key, value))
        if elements.count <= Self.largestUnindexed { return }
        if slots.isEmpty {
            reindex()
            return
        }
        let hash = hash ?? key.hashOfBytes
        hashes.append(hash)
        if elements.count * 2 > slots.count {
            rebuildSlots()
        } else {
            slots[slot(of: key, hash: hash)] = Int32(truncatingIfNeeded: elements.count - 1)
        }
    }

    /// Rebuilds the index, or drops it if the object is small.
    private mutating func reindex() {
        let isSmall = elements.count <= Self.largestUnindexed
        hashes = isSmall ? [] : elements.map(\.key.hashOfBytes)
        rebuildSlots()
    }

    /// Fills the table from the hashes, at most a quarter full so that searches stay short.
    private mutating func rebuildSlots() {
        slots = []
        if hashes.isEmpty { return }
        var capacity = 64
        while capacity < elements.count * 4 { capacity *= 2 }
        slots = [Int32](repeating: -1, count: capacity)
        for (position, hash) in hashes.enumerated() {
            // The keys differ from one another, so the first free slot is the right one.
            var slot = hash & (capacity - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = Int32(truncatingIfNeeded: position)
        }
    }
}

// MARK: - Conformances

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[Element]> { unpacked.makeIterator() }
    public var underestimatedCount: Int { count }
}

extension JSONObject: Equatable {
    /// Two objects are equal when they have the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
