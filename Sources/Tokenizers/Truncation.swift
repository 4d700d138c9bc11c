/// The text of a pair that is truncated when both together are too long.
public enum TruncationStrategy: String, Sendable, CaseIterable {
    /// The longer one, until both are equally long; then both.
    case longestFirst = "longest_first"
    case onlyFirst = "only_first"
    case onlySecond = "only_second"
}

/// The end of a text at which something is cut off or added.
public enum Side: String, Sendable, CaseIterable {
    case left, right
}

/// The truncation of texts to a maximum length.
public struct Truncation: Sendable, Equatable {
    /// The greatest number of tokens, special ones included.
    public var maxLength: Int
    /// The text of a pair that is truncated.
    public var strategy: TruncationStrategy
    /// The end at which tokens are dropped.
    public var side: Side

    /// Makes truncation settings.
    public init(maxLength: Int, strategy: TruncationStrategy = .longestFirst, side: Side = .right) {
        self.maxLength = maxLength
        self.strategy = strategy
        self.side = side
    }
}

extension Truncation {
    /// Reads `truncation` of `tokenizer.json`. Its `stride` only matters for the pieces cut off, which are dropped.
    init(_ configuration: StageConfiguration) throws {
        let strategies: [String: TruncationStrategy] = [
            "LongestFirst": .longestFirst, "OnlyFirst": .onlyFirst, "OnlySecond": .onlySecond,
        ]
        let name = try configuration.string("strategy")
        guard let strategy = strategies[name] else {
            throw configuration.malformed(
                "strategy",
                "\(quoted(name)) is unknown; use one of \(strategies.keys.sorted().joined(separator: ", "))")
        }
        self.init(
            maxLength: try configuration.int("max_length"), strategy: strategy,
            side: try configuration.side("direction") ?? .right)
    }

    /// Returns the ranges of the tokens of a text or a pair that remain.
    ///
    /// - Parameters:
    ///   - first: the number of the first text's tokens.
    ///   - second: the number of the second text's, if there is one.
    ///   - specialTokens: the number of tokens that will be added, for which room must be left.
    /// - Throws: ``TokenizerError/truncation(_:)``
    func kept(_ first: Int, _ second: Int?, specialTokens: Int) throws -> (
        first: Range<Int>, second: Range<Int>
    ) {
        let room = maxLength - specialTokens
        guard room >= 0 else {
            throw TokenizerError.truncation(
                "a length of \(maxLength) has no room for the \(specialTokens) special tokens; pass a larger maxLength"
            )
        }
        var counts = (first: first, second: second ?? 0)
        let excess = counts.first + counts.second - room
        if excess <= 0 { return (0..<counts.first, 0..<counts.second) }
        if room == 0 { return (0..<0, 0..<0) }
        switch strategy {
        case .longestFirst:
            counts = second == nil ? (room, 0) : Self.shares(of: room, counts.first, counts.second)
        case .onlyFirst:
            try cut(&counts.first, by: excess, "first")
        case .onlySecond:
            guard second != nil else {
                throw TokenizerError.truncation(
                    "only_second needs a pair of texts; use longest_first for single texts")
            }
            try cut(&counts.second, by: excess, "second")
        }
        return (kept(counts.first, of: first), kept(counts.second, of: second ?? 0))
    }

    /// The tokens that remain if as many as a number do.
    private func kept(_ count: Int, of all: Int) -> Range<Int> {
        side == .right ? 0..<count : all - count..<all
    }

    /// Returns the numbers of tokens that remain of a pair that is too long. The shorter text is left alone if it fits
    /// into half.
    private static func shares(of room: Int, _ first: Int, _ second: Int) -> (Int, Int) {
        let shorter = min(first, second)
        let pair = shorter <= room / 2 ? (shorter, room - shorter) : (room / 2, room - room / 2)
        return first <= second ? pair : (pair.1, pair.0)
    }

    private func cut(_ count: inout Int, by excess: Int, _ which: String) throws {
        guard count > excess else {
            throw TokenizerError.truncation(
                "the \(which) text has \(count) tokens, but \(excess) must go to reach a length of \(maxLength); "
                    + "use longest_first or pass a larger maxLength")
        }
        count -= excess
    }
}

extension StageConfiguration {
    /// An end of a text, in any case: `tokenizer.json` and `tokenizer_config.json` write it differently.
    func side(_ key: String) throws -> Side? {
        guard let name = try optionalString(key) else { return nil }
        guard let side = Side(rawValue: name.lowercased()) else {
            throw malformed(key, "\(quoted(name)) is unknown; use left or right")
        }
        return side
    }
}
