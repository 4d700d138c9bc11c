import Transformers

/// Queries with documents, whose examples stay together: in a batch, a part of the data, a process's share.
extension EncodedDataset {
    /// True if its examples belong to queries with documents.
    var hasGroups: Bool { groupRanges != nil }

    /// The number of what batches are made of: queries with their documents, or examples.
    public var unitCount: Int { groupRanges?.count ?? count }

    /// The number of tokens of each of them.
    var unitLengths: [Int32] {
        groupRanges.map { $0.map { range in range.reduce(0) { $0 + Int32(clamping: length(of: $1)) } } }
            ?? lengths
    }

    /// The number of tokens of one of them.
    func unitLength(of unit: Int) -> Int {
        groupRanges.map { $0[unit].reduce(0) { $0 + length(of: $1) } } ?? length(of: unit)
    }

    /// The examples of some of them.
    func examples(ofUnits units: [Int]) -> [Int] {
        groupRanges.map { ranges in units.flatMap { Array(ranges[$0]) } } ?? units
    }

    /// The most examples that one of them has.
    var largestUnit: Int { groupRanges?.map(\.count).max() ?? 1 }

    /// The group of an example: the place of its first one among those of all storages.
    func group(of index: Int) -> UInt32 {
        let (storage, position) = locate(index)
        let first =
            storage.groups.map { Int($0.firsts[position]) } ?? position - position % storage.textsPerRow
        return UInt32(clamping: place(index) - position + first)
    }

    /// The labels and scores of some examples of queries with documents.
    func groupTargets(of indices: some Collection<Int>) -> GroupTargets {
        GroupTargets(
            labels: indices.map(value),
            scores: indices.map { index in
                let (storage, position) = locate(index)
                return storage.groups?.scores[position] ?? .nan
            }, groups: indices.map(group), hasQueries: problemType.definition.embedsTexts)
    }

    /// The scores of a teacher that the data have, one for each row; `nil` where they have none.
    var givenScores: Logits? {
        guard hasGroups else { return nil }
        let targets = groupTargets(of: 0..<count)
        guard targets.documents.contains(where: { !$0.isEmpty }),
            targets.documents.allSatisfy({ $0.allSatisfy { !targets.scores[$0].isNaN } })
        else { return nil }
        return Logits(values: targets.scores, classes: 1)
    }
}
