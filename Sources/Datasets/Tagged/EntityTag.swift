/// A tag of a word within an entity: a prefix, a hyphen, and the entity's type.
struct EntityTag: Equatable {
    /// The position of a word in its entity.
    enum Prefix: UInt8 {
        case begin = 0x42
        case inside = 0x49
        case end = 0x45
        case single = 0x53
        /// BILOU's name of ``end``.
        case last = 0x4C
        /// BILOU's name of ``single``.
        case unit = 0x55
    }

    let prefix: Prefix
    let type: String

    /// Makes a tag; `nil` for `O`, and for what is no tag.
    init?(_ tag: String) {
        let bytes = tag.utf8
        guard let first = bytes.first, let prefix = Prefix(rawValue: first),
            bytes.dropFirst().first == UInt8(ascii: "-"), bytes.count > 2
        else { return nil }
        self.prefix = prefix
        type = String(decoding: bytes.dropFirst(2), as: UTF8.self)
        guard !isBlank(type) else { return nil }
    }

    static func == (left: EntityTag, right: EntityTag) -> Bool {
        left.prefix == right.prefix && left.isOfType(of: right)
    }

    /// Returns true if both have the same type, byte for byte.
    func isOfType(of other: EntityTag?) -> Bool {
        other.map { $0.type.utf8.elementsEqual(type.utf8) } ?? false
    }

    /// True if an entity begins here, whatever the previous tag.
    var begins: Bool { [.begin, .single, .unit].contains(prefix) }
    /// True if an entity ends here, whatever the next tag.
    var ends: Bool { [.end, .single, .last, .unit].contains(prefix) }
}
