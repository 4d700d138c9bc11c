extension Unicode.Scalar {
    /// True for what Python's `str.isspace` calls white space.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
            0x3000:
            true
        default: false
        }
    }

    /// True for what Python's `repr` of a string writes as it is.
    var isPythonPrintable: Bool {
        if isASCII { return 0x20..<0x7F ~= value }
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    /// True where Python's `str.splitlines` ends a line.
    var isLineBreak: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}

extension String {
    init(scalars: some Sequence<Unicode.Scalar>) {
        var view = UnicodeScalarView()
        view.append(contentsOf: scalars)
        self = String(view)
    }

    /// True if both strings are the same code points; Swift's own comparison is by canonical equivalence.
    func hasSameCharacters(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// The text without characters at its ends.
    ///
    /// - Parameters:
    ///   - characters: The characters to remove; white space if nil.
    ///   - start: Whether to remove them at the start.
    ///   - end: Whether to remove them at the end.
    func stripped(_ characters: String?, start: Bool = true, end: Bool = true) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        func isRemoved(_ scalar: Unicode.Scalar) -> Bool { set?.contains(scalar) ?? scalar.isPythonSpace }
        var rest = unicodeScalars[...]
        if start { rest = rest.drop(while: isRemoved) }
        if end {
            while let last = rest.last, isRemoved(last) { rest.removeLast() }
        }
        return String(rest)
    }

    /// Where a text is found, by code points.
    ///
    /// - Parameter limit: How many to find at most.
    func ranges(of other: String, limit: Int = .max) -> [Range<Int>] {
        let (text, pattern) = (Array(utf8), Array(other.utf8))
        guard !pattern.isEmpty, pattern.count <= text.count else { return [] }
        var found: [Range<Int>] = []
        var index = 0
        while index + pattern.count <= text.count, found.count < limit {
            if text[index] == pattern[0], text[index..<index + pattern.count].elementsEqual(pattern) {
                found.append(index..<index + pattern.count)
                index += pattern.count
            } else {
                index += 1
            }
        }
        return found
    }

    /// The pieces between the occurrences of a separator that is not empty.
    func pieces(separatedBy separator: String, limit: Int = .max) -> [String] {
        pieces(between: ranges(of: separator, limit: limit))
    }

    /// The pieces between ranges of UTF-8 bytes that begin and end at code points.
    func pieces(between ranges: [Range<Int>]) -> [String] {
        let bytes = Array(utf8)
        var pieces: [String] = []
        var start = 0
        for range in ranges {
            pieces.append(String(decoding: bytes[start..<range.lowerBound], as: UTF8.self))
            start = range.upperBound
        }
        pieces.append(String(decoding: bytes[start...], as: UTF8.self))
        return pieces
    }

    /// The text with occurrences of another replaced, as Python's `str.replace` does.
    func replacing(_ old: String, by new: String, limit: Int) -> String {
        if !old.isEmpty { return pieces(separatedBy: old, limit: limit).joined(separator: new) }
        // Python puts the new text around every character.
        var result = limit > 0 ? new : ""
        for (index, scalar) in unicodeScalars.enumerated() {
            result.unicodeScalars.append(scalar)
            if index + 1 < limit { result += new }
        }
        return result
    }

    /// The lines, as Python's `str.splitlines` gives them.
    func lines(keepingEnds: Bool = false) -> [String] {
        var lines: [String] = []
        var line = UnicodeScalarView()
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar.isLineBreak else {
                line.append(scalar)
                continue
            }
            if keepingEnds { line.append(scalar) }
            if scalar == "\r", rest.first == "\n", let feed = rest.popFirst(), keepingEnds {
                line.append(feed)
            }
            lines.append(String(line))
            line = UnicodeScalarView()
        }
        if !line.isEmpty { lines.append(String(line)) }
        return lines
    }
}
