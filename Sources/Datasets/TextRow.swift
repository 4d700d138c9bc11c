/// A row of a data file before its label is understood.
public struct TextRow: Sendable, Equatable {
    public var text: String
    /// The second text, for tasks on pairs.
    public var pair: String?
    /// The label as it is written; `nil` where the row has none, or has a set.
    public var label: String?
    /// The names of a label that is a set, as they are written; `nil` where the row has none.
    public var labelSet: [String]?
    /// True if ``labelSet`` was written as truth values, one for each class.
    var hasTruthValues = false
    /// The line on which the row begins, or in Parquet the row itself, counted from 1.
    public var line: Int
    /// The unit of ``line``.
    var unit = Unit.line
    /// The index of the row's file among those of the data set.
    var file = 0

    /// The word before the number in an error message.
    enum Unit: String {
        case line, row
    }

    public init(
        text: String, pair: String? = nil, label: String? = nil, labelSet: [String]? = nil, line: Int
    ) {
        self.text = text
        self.pair = pair
        self.label = label
        self.labelSet = labelSet
        self.line = line
    }

    /// The row, its label read as the options say and trimmed.
    ///
    /// - Throws: ``DatasetError`` for empty texts, for labels that are missing, and for sets with an empty name.
    func checked(_ path: String, _ options: DatasetOptions) throws -> TextRow {
        guard options.allowsEmptyTexts || !isBlank(text) else {
            throw DatasetError(path, at: self, "the text is empty; remove the row or fill it")
        }
        if let pair, isBlank(pair), !options.allowsEmptyTexts {
            throw DatasetError(path, at: self, "the second text is empty; remove the row or fill it")
        }
        var row = self
        row.label = label.map(trimmed)
        if let label = row.label, options.labelForm != .number { try refuseList(label, path, options) }
        if options.labelForm == .set {
            row.labelSet = try (labelSet ?? row.label.map { split($0, at: options.labelSeparator) }).map {
                try names($0, path)
            }
            row.label = nil
        } else if row.label?.isEmpty == true {
            guard options.allowsUnlabeled else {
                throw DatasetError(path, at: self, "the label is empty; remove the row or fill it")
            }
            row.label = nil
        }
        return row
    }

    /// The names between separators; none in an empty text.
    private func split(_ text: String, at separator: String) -> [String] {
        guard !text.isEmpty else { return [] }
        let (bytes, mark) = (Array(text.utf8), Array(separator.utf8))
        guard !mark.isEmpty else { return [text] }
        var (parts, start, place) = ([String](), 0, 0)
        func part(_ end: Int) -> String { String(decoding: bytes[start..<end], as: UTF8.self) }
        while place + mark.count <= bytes.count {
            guard bytes[place..<place + mark.count].elementsEqual(mark) else {
                place += 1
                continue
            }
            parts.append(part(place))
            place += mark.count
            start = place
        }
        return parts + [part(bytes.count)]
    }

    private func names(_ names: [String], _ path: String) throws -> [String] {
        try names.map { name in
            let name = trimmed(name)
            guard !name.isEmpty else {
                throw DatasetError(
                    path, at: self,
                    "a name among the labels '\(shown(names.joined(separator: ",")))' is empty; remove it or fill it"
                )
            }
            return name
        }
    }

    /// - Throws: ``DatasetError`` for a list as Python prints it, such as `['a', 'b']` or `[1 0 0]`, whose brackets and
    ///   quotes would become parts of names.
    private func refuseList(_ label: String, _ path: String, _ options: DatasetOptions) throws {
        let bytes = label.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count > 1 else { return }
        let second = bytes[bytes.index(after: bytes.startIndex)]
        let isQuoted = second == UInt8(ascii: "'") || second == UInt8(ascii: "\"")
        let isList =
            switch (first, last) {
            case (UInt8(ascii: "["), UInt8(ascii: "]")):
                options.labelForm == .set || isQuoted || second == last
                    || bytes.dropFirst().dropLast().allSatisfy {
                        (48...57).contains($0) || ", .".utf8.contains($0)
                    }
            case (UInt8(ascii: "("), UInt8(ascii: ")")), (UInt8(ascii: "{"), UInt8(ascii: "}")): isQuoted
            default: false
            }
        guard isList else { return }
        let type =
            options.labelForm == .set ? "" : ", with --problem-type multi_label_classification"
        throw DatasetError(
            path, at: self,
            "the label '\(shown(label))' is a list as Python prints it; write names between separators, such as "
                + "toxic\(options.labelSeparator)threat, or JSON lines with arrays\(type)")
    }

    /// Without spaces and tabs around it.
    private func trimmed(_ text: String) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard text.utf8.first.map(isSpace) == true || text.utf8.last.map(isSpace) == true else { return text }
        return String(
            decoding: text.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed(), as: UTF8.self
        )
    }
}

/// True if a text has nothing but white space, by Unicode's property.
func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
