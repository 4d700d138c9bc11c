/// SentencePiece's normalization rules as its models hold them (`precompiled_charsmap`): a double array of character
/// sequences (Darts-clone), and their replacements, each terminated by a zero byte.
struct Precompiled: Normalizer {
    private let units: [UInt32]
    private let texts: [UInt8]
    /// The file, and the path within it.
    private let place: String
    /// The replacement of each ASCII character.
    let ascii: [[UInt8]?]

    /// - Throws: ``TokenizerError`` where the map is not base64, or is cut off.
    init(_ configuration: StageConfiguration) throws {
        let key = "precompiled_charsmap"
        guard let bytes = Base64.decode(try configuration.string(key)) else {
            throw configuration.malformed(key, "expected base64")
        }
        try self.init(bytes, place: configuration.place) { configuration.malformed(key, $0) }
    }

    init(_ bytes: [UInt8], place: String, error: (String) -> TokenizerError) throws {
        self.place = place
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count >= 4, case let size = Int(word(0)), size % 4 == 0, size + 4 <= bytes.count else {
            throw error("is cut off; copy the file anew")
        }
        units = stride(from: 4, to: size + 4, by: 4).map(word)
        texts = Array(bytes[(size + 4)...])
        guard String(validating: texts, as: UTF8.self) != nil else {
            throw error("holds texts that are not UTF-8")
        }
        var table: [[UInt8]?] = []
        let (units, texts) = (units, texts)
        for byte in 0..<128 as Range<UInt8> {
            table.append(Self.replacement(of: [byte][...], units, texts))
        }
        ascii = table
    }

    /// Returns the replacement at the start of the text: that of the shortest sequence in the map which the text begins
    /// with.
    private static func replacement(of text: ArraySlice<UInt8>, _ units: [UInt32], _ texts: [UInt8])
        -> [UInt8]?
    {
        guard var unit = units.first else { return nil }
        func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & (1 << 9)) >> 6) }
        var node = offset(unit)
        for byte in text {
            if byte == 0 { return nil }
            node ^= UInt32(byte)
            guard node < units.count else { return nil }
            unit = units[Int(node)]
            guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
            node ^= offset(unit)
            if unit >> 8 & 1 == 1, node < units.count {
                let start = Int(units[Int(node)] & (1 << 31 - 1))
                // A damaged map may lead beyond the texts, or between the bytes of a character.
                guard start <= texts.count, start == texts.count || texts[start] & 0xC0 != 0x80 else {
                    return nil
                }
                return Array(texts[start...].prefix { $0 != 0 })
            }
        }
        return nil
    }

    func normalize(_ text: inout AlignedText) throws {
        let budget = text.budget
        let isSimple = text.bytes.allSatisfy { $0 < 0x80 && $0 != 0x0D }
        if isSimple, text.bytes.allSatisfy({ ascii[Int($0)] == nil }) { return }
        var changes: [AlignedText.Change] = []
        changes.reserveCapacity(text.bytes.count)
        var isModified = false
        func replace(_ old: ArraySlice<UInt8>, _ new: [UInt8]) throws {
            isModified = true
            try budget.check(size: changes.count + new.count, stage: self.place)
            let scalars = new.withUnsafeBufferPointer { UTF8Bytes.scalars(in: $0) }
            let oldCount = old.withUnsafeBufferPointer { UTF8Bytes.scalarCount($0) }
            for scalar in scalars { changes.append((scalar, 0)) }
            let difference = scalars.count - oldCount
            if difference > 0 {
                for place in changes.indices.suffix(difference) { changes[place].change = 1 }
            } else if difference < 0, !changes.isEmpty {
                changes[changes.count - 1].change += difference
            }
        }
        func replaceOne(_ part: ArraySlice<UInt8>, _ scalar: UInt32) throws {
            if let new = Self.replacement(of: part, units, texts) {
                try replace(part, new)
            } else {
                changes.append((scalar, 0))
            }
        }
        if isSimple {
            for place in text.bytes.indices {
                if let new = ascii[Int(text.bytes[place])] {
                    try replace(text.bytes[place...place], new)
                } else {
                    changes.append((UInt32(text.bytes[place]), 0))
                }
            }
        } else {
            for grapheme in String(decoding: text.bytes, as: UTF8.self) {
                let bytes = Array(grapheme.utf8)
                if bytes.count < 6, let new = Self.replacement(of: bytes[...], units, texts) {
                    try replace(bytes[...], new)
                    continue
                }
                var place = 0
                for scalar in grapheme.unicodeScalars {
                    let length = UTF8Bytes.length(of: scalar.value)
                    try replaceOne(bytes[place..<place + length], scalar.value)
                    place += length
                }
            }
        }
        if isModified { text.transform(changes) }
    }
}
