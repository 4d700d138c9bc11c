/// The rows of examples that have an output for each word: where each word begins among its example's tokens, and how many
/// tokens it has.
///
/// A sentence that is longer than a model reads is several examples, each of which has the rows of the words that it owns.
struct TokenRows: Sendable, Equatable {
    /// The first row of each example, and the number of all rows.
    private(set) var starts: [Int32] = [0]
    /// The token at which each word begins, within its example; -1 for a word that has none.
    private(set) var positions: [Int32] = []
    /// The tokens of each word.
    private(set) var pieces: [Int32] = []
    /// True if an example continues the sentence of the one before.
    private(set) var continues: [Bool] = []

    init() {}

    /// Rows as they are kept in a file.
    ///
    /// - Parameters:
    ///   - counts: The number of rows of each example.
    ///   - lengths: The number of tokens of each example.
    /// - Returns: `nil` where a word is outside of its example.
    init?(counts: [Int32], positions: [Int32], pieces: [Int32], continues: [Bool], lengths: [Int32]) {
        guard counts.count == lengths.count, continues.count == lengths.count,
            positions.count == pieces.count, counts.allSatisfy({ $0 >= 0 }),
            counts.reduce(0, { $0 + Int($1) }) == positions.count
        else { return nil }
        for count in counts { starts.append(starts[starts.count - 1] + count) }
        for (example, length) in lengths.enumerated() {
            for row in Int(starts[example])..<Int(starts[example + 1]) {
                let (position, count) = (positions[row], pieces[row])
                guard position == -1 && count == 0 || position >= 0 && count > 0 && position <= length - count
                else { return nil }
            }
        }
        (self.positions, self.pieces, self.continues) = (positions, pieces, continues)
    }

    /// Adds an example.
    ///
    /// - Parameters:
    ///   - words: The token at which each of its words begins, `nil` for none, and the number of its tokens.
    ///   - continues: Whether it goes on with the sentence of the example before.
    mutating func append(_ words: some Sequence<(position: Int?, pieces: Int)>, continues: Bool) {
        for word in words {
            positions.append(Int32(word.position ?? -1))
            pieces.append(Int32(word.position == nil ? 0 : word.pieces))
        }
        starts.append(Int32(positions.count))
        self.continues.append(continues)
    }

    /// The rows of an example.
    func range(_ example: Int) -> Range<Int> { Int(starts[example])..<Int(starts[example + 1]) }

    /// The number of rows of each example.
    var counts: [Int32] { zip(starts, starts.dropFirst()).map { $1 - $0 } }
}
