/// Columns of text, aligned: the first to the left, the others to the right.
struct TextTable {
    private var rows: [[String]] = []

    init(_ header: String...) { add(header) }

    init(header: [String]) { add(header) }

    mutating func add(_ cells: String...) { add(cells) }

    mutating func add(_ cells: [String]) { rows.append(cells.map { $0.visible(keepingLines: false) }) }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        var lines = rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "   ").trimmingSuffix()
        }
        lines.insert(String(repeating: "─", count: widths.reduce(0, +) + 3 * max(0, columns - 1)), at: 1)
        return lines.joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
