import Transformers

/// The labels of queries with documents, a group of consecutive rows each.
///
/// Of a cross-encoder a row is the query with one document. Of a model for embeddings the first row of a group is the query, which has
/// no label, and the others are its documents.
public struct GroupTargets: Sendable, Equatable {
    /// How relevant each row's document is; NaN where that is not known, and for queries.
    public var labels: [Float]
    /// A teacher's score of each row's document; NaN where the data have none, and for queries.
    public var scores: [Float]
    /// The group that each row is of: another number than its neighbours'.
    public var groups: [UInt32]
    /// True if the first row of a group is the query.
    public var hasQueries: Bool

    /// - Parameters:
    ///   - labels: Of each row.
    ///   - scores: Of each row.
    ///   - groups: Of each row.
    ///   - hasQueries: True if the first row of a group is the query.
    public init(labels: [Float], scores: [Float], groups: [UInt32], hasQueries: Bool) {
        (self.labels, self.scores, self.groups, self.hasQueries) = (labels, scores, groups, hasQueries)
    }

    var task: TaskIdentifier { hasQueries ? .embedding : .ranking }

    /// The rows of each group.
    var ranges: [Range<Int>] {
        var (ranges, start) = ([Range<Int>](), 0)
        for row in groups.indices where row + 1 == groups.count || groups[row] != groups[row + 1] {
            ranges.append(start..<row + 1)
            start = row + 1
        }
        return ranges
    }

    /// The rows of each group's documents: of none where a query stands alone.
    var documents: [Range<Int>] {
        ranges.map { hasQueries ? $0.lowerBound + 1..<$0.upperBound : $0 }
    }

    /// True for a document with a label, and for the query of one.
    func isLabeled(_ row: Int) -> Bool {
        if !labels[row].isNaN { return true }
        guard hasQueries, row == 0 || groups[row - 1] != groups[row] else { return false }
        return labels[(row + 1)...].enumerated().contains {
            groups[row + 1 + $0.offset] == groups[row] && !$0.element.isNaN
        }
    }

    /// The rows that have a label, by ``isLabeled(_:)``.
    var labeledRows: [Int] {
        ranges.flatMap { range -> [Int] in
            let known = range.filter { !labels[$0].isNaN }
            return hasQueries && !known.isEmpty ? [range.lowerBound] + known : known
        }
    }

    /// The targets of some rows, in rising order.
    func subset(_ rows: [Int]) -> GroupTargets {
        GroupTargets(
            labels: rows.map { labels[$0] }, scores: rows.map { scores[$0] }, groups: rows.map { groups[$0] },
            hasQueries: hasQueries)
    }

    /// The rows of groups that were drawn, any number of times each, each a group of its own.
    func drawing(_ examples: [Range<Int>], _ drawn: [Int]) -> GroupTargets {
        var targets = subset(drawn.flatMap { Array(examples[$0]) })
        targets.groups = drawn.enumerated().flatMap { place, index in
            [UInt32](repeating: UInt32(truncatingIfNeeded: place), count: examples[index].count)
        }
        return targets
    }

    /// What the numbers of losses are counted by: the values that they compare.
    ///
    /// - Parameter source: Whether these are labels or a teacher's scores; those of a model are not known here, and every document has
    ///   one.
    func compared(_ source: ScoreSource) -> [[Float]] {
        documents.map { rows in
            switch source {
            case .labels: rows.map { labels[$0] }.filter { !$0.isNaN }
            case .teacher: rows.map { scores[$0] }
            }
        }
    }
}

/// What a student's scores are compared with.
enum ScoreSource: String, CaseIterable {
    /// The teacher's scores.
    case teacher
    /// The labels.
    case labels
}

extension Targets {
    /// Those of queries with documents; `nil` of others.
    var groups: GroupTargets? {
        if case .groups(let groups) = self { return groups }
        return nil
    }
}
