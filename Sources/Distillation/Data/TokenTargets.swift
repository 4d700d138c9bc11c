/// The tokens of texts that a language model is to predict.
public struct TokenTargets: Sendable, Equatable {
    /// The ids, one text after another.
    public var ids: [Int]
    /// The offset at which each text's tokens begin, and the number of all.
    public var offsets: [Int]
    /// The bytes of text that each token stands for, 0 for special tokens; `nil` where they are not known.
    public var bytes: [Int32]?

    /// - Parameters:
    ///   - ids: The ids, one text after another.
    ///   - offsets: The offset at which each text's tokens begin, and the number of all.
    ///   - bytes: The bytes of text that each token stands for; `nil` where they are not known.
    public init(ids: [Int], offsets: [Int], bytes: [Int32]? = nil) {
        self.ids = ids
        self.offsets = offsets
        self.bytes = bytes
    }

    /// Some of the tokens, in rising order, in their texts; texts without any of them are dropped.
    func subset(_ rows: [Int]) -> TokenTargets {
        TokenTargets(
            ids: rows.map { ids[$0] }, offsets: RowOffsets.subset(offsets, rows),
            bytes: bytes.map { bytes in rows.map { bytes[$0] } })
    }
}

/// The offsets at which examples begin among rows, and the number of all rows.
enum RowOffsets {
    /// The rows of each example.
    static func ranges(_ offsets: [Int]) -> [Range<Int>] { zip(offsets, offsets.dropFirst()).map { $0..<$1 } }

    /// The offsets among some of the rows, which are in rising order; examples without any of them are dropped.
    static func subset(_ offsets: [Int], _ rows: [Int]) -> [Int] {
        var (result, example) = ([0], 0)
        for (count, row) in rows.enumerated() {
            while row >= offsets[example + 1] {
                example += 1
                if let last = result.last, last < count { result.append(count) }
            }
        }
        if result.last != rows.count { result.append(rows.count) }
        return result
    }
}
