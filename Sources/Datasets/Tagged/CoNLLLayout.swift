/// The columns of a CoNLL file, determined from its first sentence.
struct CoNLLLayout {
    /// True if fields are separated by tabs, false if by runs of spaces.
    let isTabbed: Bool
    let columnCount: Int
    /// Names, or numbers where there are none.
    let columnNames: [String]
    let word: Int
    /// `nil` where there are no tags.
    let tag: Int?
    /// True if the first column counts the words of a sentence, as in CoNLL-U.
    let countsWords: Bool
    /// True if lines that begin with `#` before a sentence are comments.
    let hasComments: Bool
    /// The line that was examined.
    let line: Int
    /// True if the columns have names.
    let hasNames: Bool

    /// - Parameters:
    ///   - lines: The lines of the first sentence, and comments before.
    ///   - names: The names of the columns, where a line before said them.
    /// - Throws: ``DatasetError`` for columns that are not there.
    init(_ lines: [CoNLLLine], names: [String]?, path: String, options: TaggedOptions) throws {
        let comments = options.hasComments == false ? 0 : lines.prefix(while: \.isHash).count
        let rows = Array(lines.dropFirst(comments == lines.count ? 0 : comments))
        let first = rows[0]
        line = first.number
        isTabbed = first.bytes.contains(0x09)
        let count = first.fields(isTabbed: isTabbed).count
        columnCount = names?.count ?? count
        hasNames = names != nil
        columnNames = names ?? (1...max(1, count)).map(String.init)
        let choose = CoNLLColumns(names: names, count: columnCount, path: path)
        let chosenWord = try options.wordColumn.map { try choose.column($0, "the words") }
        let counts =
            chosenWord != 0 && columnCount > 2
            && Self.countWords(rows, isTabbed: isTabbed, needsSeveral: comments == 0)
        countsWords = counts
        hasComments = options.hasComments ?? counts
        let usual = names.flatMap { names in TaggedColumns.words.firstMap { choose.place(of: $0, in: names) }
        }
        word = chosenWord ?? usual ?? (names?.firstIndex(of: "FORM") ?? (counts ? 1 : 0))
        guard options.readsTags else {
            tag = nil
            return
        }
        if let column = options.tagColumn {
            tag = try choose.column(column, "the tags")
        } else if columnCount > 1 {
            tag = columnCount - 1
        } else {
            guard options.allowsUntagged else {
                throw DatasetError(
                    path, line: line,
                    "there is one column; each line must have a word and its tag, separated by a tab or spaces"
                )
            }
            tag = nil
        }
        guard tag != word else {
            throw DatasetError(
                path,
                "the column \(columnNames[word]) is chosen for both the words and the tags; choose another for one"
            )
        }
    }

    /// Returns true if the first fields are 1, 2 and so on, ignoring CoNLL-U's ranges and empty words.
    private static func countWords(_ rows: [CoNLLLine], isTabbed: Bool, needsSeveral: Bool) -> Bool {
        var count = 0
        for row in rows {
            guard let id = CoNLLWordID(row.fields(isTabbed: isTabbed).first ?? []) else { return false }
            guard case .word(let number) = id else { continue }
            count += 1
            guard number == count else { return false }
        }
        return count > (needsSeveral ? 1 : 0)
    }
}

/// A first column that counts words.
enum CoNLLWordID {
    case word(Int)
    /// Several words written as one (`1-2`), or a word that is not written (`1.1`); words of neither kind are on
    /// lines of their own.
    case other

    init?(_ field: ArraySlice<UInt8>) {
        let parts = field.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        let numbers = parts.map {
            $0.isEmpty || $0.count > 9 ? nil : Int(String(decoding: $0, as: UTF8.self))
        }
        guard let first = numbers.first, let number = first, numbers.allSatisfy({ $0 ?? -1 >= 0 }) else {
            return nil
        }
        self = numbers.count == 1 ? .word(number) : .other
    }
}

/// Finds columns by number or name.
private struct CoNLLColumns {
    let names: [String]?
    let count: Int
    let path: String

    func place(of name: String, in names: [String]) -> Int? {
        names.firstIndex { $0.utf8.elementsEqual(name.utf8) }
    }

    /// - Throws: ``DatasetError`` that lists the columns.
    func column(_ text: String, _ what: String) throws -> Int {
        if let names, let place = place(of: text, in: names) { return place }
        guard let number = Int(text) else {
            throw DatasetError(
                path,
                "there is no column '\(shown(text))'; the columns are \(names.map(list) ?? "numbered 1 to \(count)"); "
                    + "choose another for \(what)")
        }
        let place = number < 0 ? count + number : number - 1
        guard number != 0, (0..<count).contains(place) else {
            let columns = names.map(list) ?? "numbered 1 to \(count), or -1 to -\(count) from the end"
            throw DatasetError(
                path, "there is no column \(number); the columns are \(columns); choose another for \(what)")
        }
        return place
    }
}
