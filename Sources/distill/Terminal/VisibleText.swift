extension String {
    /// The text with characters made visible that a terminal would obey: control characters (C0, C1 and DEL) and those that
    /// turn the direction of text. Names and texts from files may hold any of them.
    ///
    /// They are written as JSON escapes them (`\u001b`), so that JSON stays the same JSON.
    ///
    /// - Parameter keepingLines: True if line ends and tabs stay.
    func visible(keepingLines: Bool = true) -> String {
        var bytes = utf8.makeIterator()
        var previous: UInt8 = 0
        var isPlain = true
        // Nearly all texts have none of these, which their bytes show.
        while isPlain, let byte = bytes.next() {
            switch byte {
            case 0x20...0x7E: break
            case 0x0A, 0x09: isPlain = keepingLines
            case 0..<0x20, 0x7F: isPlain = false
            // C1 is C2 80 to C2 9F; the others are D8 9C, E2 80 8E to E2 80 AE, and E2 81 A6 to E2 81 A9.
            case 0x80...0x9F: isPlain = previous != 0xC2 && previous != 0xD8 && previous != 0x80
            case 0xA0...0xBF: isPlain = previous != 0x80 && previous != 0x81
            default: break
            }
            previous = byte
        }
        guard !isPlain else { return self }
        var result = UnicodeScalarView()
        for scalar in unicodeScalars {
            if keepingLines, scalar == "\n" || scalar == "\t" {
                result.append(scalar)
            } else if Self.isObeyed(scalar.value) {
                let digits = String(scalar.value, radix: 16)
                result.append(contentsOf: "\\u".unicodeScalars)
                result.append(contentsOf: String(repeating: "0", count: 4 - digits.count).unicodeScalars)
                result.append(contentsOf: digits.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isObeyed(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0..<0x20, 0x7F...0x9F: true
        // Marks, embeddings, overrides and isolates of direction.
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        // Ends of lines and paragraphs.
        case 0x2028, 0x2029: true
        default: false
        }
    }
}
