/// The groups of a storage's examples, of queries with documents, and the scores that the file has of them.
struct ExampleGroups: Sendable, Equatable {
    /// The first example of each example's group.
    private(set) var firsts: [Int32] = []
    /// A teacher's score of each example; NaN where there is none.
    private(set) var scores: [Float] = []

    init() {}

    /// Groups as they are kept in a file.
    ///
    /// - Returns: `nil` where they are not consecutive.
    init?(firsts: [Int32], scores: [Float]) {
        guard firsts.count == scores.count,
            firsts.indices.allSatisfy({ index in
                firsts[index] == index || index > 0 && firsts[index] == firsts[index - 1]
            })
        else { return nil }
        (self.firsts, self.scores) = (firsts, scores)
    }

    /// Takes further groups.
    ///
    /// - Parameters:
    ///   - counts: The number of examples of each.
    ///   - scores: Of all of them.
    mutating func append(_ counts: [Int], _ scores: [Float]) {
        for count in counts {
            let first = Int32(firsts.count)
            firsts += repeatElement(first, count: count)
        }
        self.scores += scores
    }
}

extension Targets {
    /// The groups of examples that have these targets; `nil` where they belong to no query.
    var exampleGroups: ExampleGroups? {
        guard case .groups(let targets) = self else { return nil }
        var groups = ExampleGroups()
        groups.append(targets.ranges.map(\.count), targets.scores)
        return groups
    }
}
