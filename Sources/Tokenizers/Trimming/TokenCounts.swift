/// The number of occurrences of each token in some texts.
public struct TokenCounts: Sendable, Equatable {
    /// The texts that were counted.
    public private(set) var texts = 0
    /// By token id.
    private var counts: [Int] = []

    /// Makes counts of no text.
    public init() {}

    /// Adds the tokens of texts.
    ///
    /// - Parameter encoding: The texts as token ids, which are 0 or more.
    public mutating func add(_ encoding: FlatEncoding) {
        texts += encoding.count
        for id in encoding.ids { add(Int(id), 1) }
    }

    /// Adds occurrences of one token.
    ///
    /// - Parameters:
    ///   - id: The token, 0 or more.
    ///   - count: The number of its occurrences.
    public mutating func add(_ id: Int, _ count: Int) {
        if id >= counts.count {
            counts += [Int](repeating: 0, count: max(id + 1, 2 * counts.count) - counts.count)
        }
        counts[id] += count
    }

    /// The number of occurrences of a token.
    public subscript(id: Int) -> Int { counts.indices.contains(id) ? counts[id] : 0 }

    /// The tokens that occur, in rising order.
    public var ids: [Int] { counts.indices.filter { counts[$0] > 0 } }

    /// The number of all tokens.
    public var total: Int { counts.reduce(0, +) }

    /// Counts are equal when each token occurs equally often.
    public static func == (left: TokenCounts, right: TokenCounts) -> Bool {
        left.texts == right.texts && left.ids == right.ids && left.ids.allSatisfy { left[$0] == right[$0] }
    }
}
