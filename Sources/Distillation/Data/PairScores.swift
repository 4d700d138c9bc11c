/// How alike texts are, by rows of a data file with one text or two, each of which is an example.
public struct PairScores: Sendable, Equatable {
    /// The score of each text's row; NaN where it has none.
    public var values: [Float]
    /// The row that each text is of, by the place of its first text. The texts of a row stand beside each other.
    public var rows: [UInt32]
    /// True if the second text of a row is a translation of the first, whose vector it is to have.
    public var areTranslations = false

    public init(values: [Float], rows: [UInt32]) {
        self.values = values
        self.rows = rows
    }

    /// The texts of each row: one, or two.
    var pairs: [Range<Int>] {
        var pairs: [Range<Int>] = []
        var index = 0
        while index < rows.count {
            let isPair = index + 1 < rows.count && rows[index] == rows[index + 1]
            pairs.append(index..<index + (isPair ? 2 : 1))
            index += isPair ? 2 : 1
        }
        return pairs
    }

    /// The scores of some texts, in rising order or by whole rows.
    func subset(_ texts: [Int]) -> PairScores {
        var subset = PairScores(values: texts.map { values[$0] }, rows: texts.map { rows[$0] })
        subset.areTranslations = areTranslations
        return subset
    }
}
