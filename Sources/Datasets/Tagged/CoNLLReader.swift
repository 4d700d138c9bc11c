/// Sentences of CoNLL files: a word and its tag on each line, and an empty line after each sentence.
///
/// Lines whose first field is `-DOCSTART-` are passed over. A line that begins with `#` is a word like any other,
/// unless comments are asked for or the first column counts the words: then such lines before a sentence are
/// comments, and `# global.columns = …` names the columns.
struct CoNLLReader: TaggedReader {
    private(set) var hasTags = false
    private var lines: CoNLLLines
    private let path: String
    private let options: TaggedOptions
    private var layout: CoNLLLayout?
    /// The names of the columns.
    private var names: [String]?
    /// Lines that were read before the layout was known.
    private var pending: ArraySlice<[CoNLLLine]> = []
    private var isAtStart = true

    /// - Parameter limit: The most bytes of a sentence.
    init(_ reader: ByteReader, path: String, options: TaggedOptions, limit: Int = Limits.row) {
        lines = CoNLLLines(reader, path: path, limit: limit)
        self.path = path
        self.options = options
    }

    var columnNames: [String] { layout?.columnNames ?? [] }

    mutating func next() throws -> TaggedRow? {
        while true {
            if layout == nil { try readLayout() }
            guard let layout, let block = try pending.popFirst() ?? lines.next() else { return nil }
            if let row = try row(block, layout) {
                hasTags = layout.tag != nil
                return try row.checked(path, options)
            }
        }
    }

    // MARK: - The layout

    /// Reads up to the first lines that determine the columns.
    private mutating func readLayout() throws {
        var bytes = 0
        while var block = try lines.next() {
            if isAtStart { try readNames(&block) }
            isAtStart = false
            guard !block.isEmpty else { continue }
            pending.append(block)
            bytes += block.reduce(0) { $0 + $1.bytes.count }
            // Nothing but lines with # may be comments or words.
            if options.hasComments == false || !block.allSatisfy(\.isHash) || bytes > Limits.chunk {
                layout = try CoNLLLayout(block, names: names, path: path, options: options)
                return
            }
        }
        guard let last = pending.last, options.hasComments != true else { return }
        layout = try CoNLLLayout(last, names: names, path: path, options: options)
    }

    /// Takes the names of the columns off the first lines, where they are there.
    private mutating func readNames(_ block: inout [CoNLLLine]) throws {
        if options.hasComments != false, let first = block.first, let named = try globalColumns(first) {
            names = named
            block.removeFirst()
            return
        }
        let byName = [options.wordColumn, options.tagColumn].contains { $0.map { Int($0) == nil } ?? false }
        guard options.hasHeader ?? byName else { return }
        let comments = options.hasComments == true ? block.prefix(while: \.isHash).count : 0
        guard comments < block.count else { return }
        let header = block.remove(at: comments)
        names = try header.fields(isTabbed: header.bytes.contains(0x09)).map { try text($0, header.number) }
        if block.count == comments { block = [] }
    }

    /// CoNLL-U Plus names its columns so.
    private func globalColumns(_ line: CoNLLLine) throws -> [String]? {
        let fields = line.fields(isTabbed: false)
        guard fields.count > 3, fields[0].elementsEqual("#".utf8),
            fields[1].elementsEqual("global.columns".utf8), fields[2].elementsEqual("=".utf8)
        else { return nil }
        return try fields[3...].map { try text($0, line.number) }
    }

    // MARK: - Sentences

    /// The sentence of some lines; `nil` where they are comments.
    private func row(_ block: [CoNLLLine], _ layout: CoNLLLayout) throws -> TaggedRow? {
        let rows = layout.hasComments ? Array(block.drop(while: \.isHash)) : block
        guard let first = rows.first else { return nil }
        var row = TaggedRow(words: [], line: first.number)
        var tags: [String] = []
        var count = 0
        for line in rows {
            let fields = line.fields(isTabbed: layout.isTabbed)
            guard fields.count == layout.columnCount else { throw wrongCount(line, fields.count, layout) }
            if layout.countsWords {
                guard try isWord(fields[0], line, layout, &count) else { continue }
            }
            let word = try text(fields[layout.word], line.number)
            guard !word.isEmpty else {
                throw DatasetError(
                    path, line: line.number, "the word is empty; remove the line or fill it")
            }
            row.words.append(word)
            guard let column = layout.tag else { continue }
            let tag = try text(fields[column], line.number)
            guard options.takes(tag: tag) else { throw noTag(tag, row, line, layout) }
            tags.append(tag)
        }
        row.tags = layout.tag == nil ? nil : tags
        return row
    }

    /// Returns true if the line is a word by itself.
    private func isWord(
        _ field: ArraySlice<UInt8>, _ line: CoNLLLine, _ layout: CoNLLLayout, _ count: inout Int
    ) throws -> Bool {
        switch CoNLLWordID(field) {
        case .other?: return false
        case .word(let number)? where number == count + 1:
            count = number
            return true
        default:
            throw DatasetError(
                path, line: line.number,
                "the first column counts the words from line \(layout.line) on, but \(count + 1) is "
                    + "'\(shown(String(decoding: field, as: UTF8.self)))' here; correct it, or choose the column "
                    + "of the words")
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ line: Int) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError(path, line: line, "the bytes are not UTF-8; convert the file to UTF-8")
        }
        return text
    }

    private func wrongCount(_ line: CoNLLLine, _ count: Int, _ layout: CoNLLLayout) -> DatasetError {
        let place =
            layout.hasNames
            ? "the columns are \(list(layout.columnNames))" : "line \(layout.line) has \(layout.columnCount)"
        let hint =
            line.isHash && !layout.hasComments ? "; if this is a comment, say that the file has comments" : ""
        return DatasetError(
            path, line: line.number,
            "there \(count == 1 ? "is 1 column" : "are \(count) columns") where \(place); put "
                + "\(layout.isTabbed ? "tabs" : "spaces") between all columns\(hint)")
    }

    private func noTag(_ tag: String, _ row: TaggedRow, _ line: CoNLLLine, _ layout: CoNLLLayout)
        -> DatasetError
    {
        let error = row.noTag(tag, path, line: line.number)
        guard line.number == layout.line, !layout.hasNames else { return error }
        return DatasetError(
            error.description
                + "; choose the column of the tags, or say that there is a header if this is one")
    }
}
