/// What a normaliser makes of ASCII text, where it treats each byte by itself.
struct ASCIIMap {
    /// What becomes of runs of spaces: they stay, become one space, or something else.
    enum SpaceRuns { case kept, collapsed, changed }

    /// For each byte what it becomes; `nil` where that is not one byte, or depends on the neighbours.
    var bytes: [UInt8?] = (0..<128).map { $0 }
    /// What the normaliser looks for in the text; a text that holds one is not covered.
    var patterns: [[UInt8]] = []
    /// Whether a text with two spaces in a row is covered: if they are kept.
    var spaceRuns = SpaceRuns.kept
    /// Whether a text with white space at its ends is not covered.
    var stripsEnds = false

    init() {}

    /// The map of a normaliser, if it has one.
    init?(_ normalizer: any Normalizer) {
        guard normalizer.apply(to: &self) else { return nil }
    }

    /// Whether all texts stay as they are.
    var isIdentity: Bool {
        bytes.enumerated().allSatisfy { $1.map(Int.init) == $0 } && patterns.isEmpty && spaceRuns == .kept
            && !stripsEnds
    }

    /// Whether a byte is what it was, and no other has become it.
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
