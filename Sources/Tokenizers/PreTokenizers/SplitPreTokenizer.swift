import JSON

/// Splits at what a pattern finds.
struct SplitPreTokenizer: SplittingPreTokenizer {
    /// The treatment of the pattern's matches.
    enum Behavior: String, CaseIterable, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    private let pattern: TextPattern
    private let behavior: Behavior
    private let inverts: Bool

    init(_ pattern: TextPattern, _ behavior: Behavior, inverts: Bool) {
        self.pattern = pattern
        self.behavior = behavior
        self.inverts = inverts
    }

    /// The scanner that yields the words directly, if the words are exactly its matches.
    var scanner: WordScanner? { behavior == .isolated && !inverts ? pattern.scanner : nil }

    /// True if white space is removed and nothing else is done.
    var splitsAtWhitespace: Bool {
        guard case .characters(UnicodeTables.whitespace) = pattern else { return false }
        return behavior == .removed && !inverts
    }

    init(_ configuration: StageConfiguration) throws {
        self.init(
            try TextPattern(configuration), try Self.behavior(configuration),
            inverts: try configuration.optionalBool("invert") ?? false)
    }

    init(punctuation configuration: StageConfiguration) throws {
        let behavior = configuration.object["behavior"] == nil ? .isolated : try Self.behavior(configuration)
        self.init(.characters(UnicodeTables.punctuation), behavior, inverts: false)
    }

    init(digits configuration: StageConfiguration) throws {
        let individual = try configuration.optionalBool("individual_digits") ?? false
        self.init(.characters(UnicodeTables.numeric), individual ? .isolated : .contiguous, inverts: false)
    }

    init(delimiter configuration: StageConfiguration) throws {
        self.init(.literal(Array(try configuration.string("delimiter").utf8)), .removed, inverts: false)
    }

    private static func behavior(_ configuration: StageConfiguration) throws -> Behavior {
        let name = try configuration.string("behavior")
        guard let behavior = Behavior(rawValue: name) else {
            throw configuration.malformed(
                "behavior",
                "\(quoted(name)) is unknown; use one of \(Behavior.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        return behavior
    }

    func split(
        _ text: UnsafeBufferPointer<UInt8>, into words: inout [Range<Int>], _ budget: TextBudget
    ) throws {
        if text.isEmpty { return }
        if let scanner { return scanner.split(text, into: &words) }
        var pieces: [(range: Range<Int>, isMatch: Bool)] = []
        var done = 0
        for found in try pattern.matches(in: text, budget) {
            if done < found.lowerBound { pieces.append((done..<found.lowerBound, inverts)) }
            pieces.append((found, !inverts))
            done = found.upperBound
        }
        if done < text.count { pieces.append((done..<text.count, inverts)) }
        switch behavior {
        case .isolated: words += pieces.map(\.range)
        case .removed: words += pieces.lazy.filter { !$0.isMatch }.map(\.range)
        case .contiguous: words += Self.joined(pieces) { $0 == $1 }
        case .mergedWithPrevious: words += Self.joined(pieces) { before, isMatch in isMatch && !before }
        case .mergedWithNext:
            let mirrored = pieces.reversed().map {
                (-$0.range.upperBound + 1..<(-$0.range.lowerBound + 1), $0.isMatch)
            }
            let joined = Self.joined(mirrored) { before, isMatch in isMatch && !before }
            words += joined.reversed().map { 1 - $0.upperBound..<1 - $0.lowerBound }
        }
    }

    /// Joins each piece to the one before where the rule says so.
    private static func joined(
        _ pieces: [(range: Range<Int>, isMatch: Bool)], _ joins: (_ before: Bool, _ isMatch: Bool) -> Bool
    ) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var before = false
        for piece in pieces {
            if joins(before, piece.isMatch), let last = result.last {
                result[result.count - 1] = last.lowerBound..<piece.range.upperBound
            } else {
                result.append(piece.range)
            }
            before = piece.isMatch
        }
        return result
    }
}
