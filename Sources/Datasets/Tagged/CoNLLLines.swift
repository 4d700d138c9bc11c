/// A line of a CoNLL file.
struct CoNLLLine {
    var bytes: [UInt8]
    /// Counted from 1.
    var number: Int

    /// True if the line begins with `#`, as comments do.
    var isHash: Bool { bytes.first == UInt8(ascii: "#") }

    /// True if the line only marks the beginning of a document.
    var isDocumentStart: Bool {
        let mark = Array("-DOCSTART-".utf8)
        return bytes.starts(with: mark) && (bytes.count == mark.count || CoNLLLine.isSpace(bytes[mark.count]))
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The fields: between tabs, without the spaces around them, or between runs of spaces and tabs.
    func fields(isTabbed: Bool) -> [ArraySlice<UInt8>] {
        guard isTabbed else { return bytes.split(whereSeparator: Self.isSpace) }
        return bytes.split(separator: 0x09, omittingEmptySubsequences: false).map { field in
            guard let first = field.firstIndex(where: { $0 != 0x20 }),
                let last = field.lastIndex(where: { $0 != 0x20 })
            else { return [] }
            return field[first...last]
        }
    }
}

/// The lines of a CoNLL file between empty ones.
struct CoNLLLines {
    private let reader: ByteReader
    private let path: String
    private let limit: Int
    private var number = 0

    /// - Parameter limit: The most bytes of the lines of a sentence.
    init(_ reader: ByteReader, path: String, limit: Int = Limits.row) {
        self.reader = reader
        self.path = path
        self.limit = limit
    }

    /// The next lines up to one of nothing but spaces, or one that says that a document begins; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` for more bytes than a row may have.
    mutating func next() throws -> [CoNLLLine]? {
        var lines: [CoNLLLine] = []
        var rest = limit
        while let line = try line(rest, first: lines.first?.number) {
            if line.bytes.allSatisfy(CoNLLLine.isSpace) || line.isDocumentStart {
                if lines.isEmpty { continue }
                return lines
            }
            rest -= line.bytes.count
            lines.append(line)
        }
        return lines.isEmpty ? nil : lines
    }

    private mutating func line(_ room: Int, first: Int?) throws -> CoNLLLine? {
        guard try reader.peek() != nil else { return nil }
        number += 1
        var line = CoNLLLine(bytes: [], number: number)
        guard try reader.take(into: &line.bytes, limit: room, until: { $0 == 0x0A || $0 == 0x0D }) else {
            let size = limit >= 1_000_000 ? "\(limit / 1_000_000) MB" : "\(limit) bytes"
            throw DatasetError(
                path, line: first ?? number,
                "the sentence that begins here is longer than \(size); "
                    + "each sentence must be followed by an empty line")
        }
        if let byte = try reader.peek() {
            reader.advance()
            if byte == 0x0D, try reader.peek() == 0x0A { reader.advance() }
        }
        return line
    }
}
