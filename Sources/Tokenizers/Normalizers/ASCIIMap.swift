/// A normalizer's mapping of ASCII text, if it treats each byte independently.
struct ASCIIMap {
    /// The treatment of runs of spaces: kept, collapsed into one space, or changed in some other way.
    enum SpaceRuns { case kept, collapsed, changed }

    /// For each byte what it becomes; `nil` where that is not one byte, or depends on the neighbors.
    var bytes: [UInt8?] = (0..<128).map { $0 }
    /// The patterns that the normalizer searches for; a text that contains one is not covered.
    var patterns: [[UInt8]] = []
    /// The treatment of two spaces in a row; a text that contains them is covered only if they are kept.
    var spaceRuns = SpaceRuns.kept
    /// True if texts with white space at their ends are not covered.
    var stripsEnds = false

    init() {}

    /// The map of a normalizer, if it has one.
    init?(_ normalizer: any Normalizer) {
        guard normalizer.apply(to: &self) else { return nil }
    }

    /// True if every text is left unchanged.
    var isIdentity: Bool {
        bytes.enumerated().allSatisfy { $1.map(Int.init) == $0 } && patterns.isEmpty && spaceRuns == .kept
            && !stripsEnds
    }

    /// Returns true if the byte is left unchanged and no other byte is mapped to it.
    func stays(_ byte: UInt8) -> Bool {
        byte < 0x80 && bytes.indices.allSatisfy { (bytes[$0] == byte) == ($0 == Int(byte)) }
    }

    /// Changes what each byte has become so far.
    mutating func mapBytes(_ body: (UInt8) -> UInt8?) {
        for byte in bytes.indices { bytes[byte] = bytes[byte].flatMap(body) }
    }
}

extension NormalizerSequence {
    func apply(to map: inout ASCIIMap) -> Bool { stages.allSatisfy { $0.apply(to: &map) } }
}

extension Lowercase {
    func apply(to map: inout ASCIIMap) -> Bool {
        map.mapBytes { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return true
    }
}

extension StripAccents {
    func apply(to map: inout ASCIIMap) -> Bool { true }
}

extension Nmt {
    func apply(to map: inout ASCIIMap) -> Bool {
        map.mapBytes { Self.isDropped(UInt32($0)) ? nil : Self.isSpace(UInt32($0)) ? 0x20 : $0 }
        return true
    }
}

extension Precompiled {
    func apply(to map: inout ASCIIMap) -> Bool {
        map.mapBytes { byte in
            guard let text = ascii[Int(byte)] else { return byte == 0x0D ? nil : byte }
            return byte != 0x0D && text.count == 1 && text[0] < 0x80 ? text[0] : nil
        }
        return true
    }
}

extension UnicodeNormalizer {
    func apply(to map: inout ASCIIMap) -> Bool { true }
}

extension Strip {
    func apply(to map: inout ASCIIMap) -> Bool {
        map.stripsEnds = true
        return true
    }
}

extension Replace {
    /// Patterns of ASCII are looked for in the text as it is, so they must not be what other bytes become.
    func apply(to map: inout ASCIIMap) -> Bool {
        switch pattern {
        case .run(0x20, _):
            map.spaceRuns = map.spaceRuns == .kept && content == [0x20] ? .collapsed : .changed
            return true
        case .literal(let pattern):
            guard let first = pattern.first else { return true }
            if first >= 0x80 { return pattern.allSatisfy { $0 >= 0x80 } }
            let sources = map.bytes.indices.filter { map.bytes[$0] == first }
            if pattern.count == 1, content.count == 1, content[0] < 0x80 {
                for byte in sources { map.bytes[byte] = content[0] }
            } else if pattern.allSatisfy({ map.stays($0) && $0 > 0x20 }) {
                map.patterns.append(pattern)
            } else {
                for byte in sources { map.bytes[byte] = nil }
            }
            return true
        default: return false
        }
    }
}
