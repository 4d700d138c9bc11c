import Foundation
import Transformers

/// How several teachers become one.
public enum TeacherCombination: String, CaseIterable, Sendable, Codable {
    /// The weighted mean of their probabilities, whose logarithms take the logits' place: each teacher counts by its
    /// weight, however far apart its logits are.
    case probabilities
    /// The weighted mean of their logits: a teacher that is surer counts for more (as in TextBrewer and You et al.,
    /// "Learning from Multiple Teacher Networks", KDD 2017).
    case logits
}

/// The outputs of several teachers as those of one.
struct TeacherEnsemble: TeacherOutputs {
    struct Member: Sendable {
        let outputs: any TeacherOutputs
        /// Above 0; the members' add up to 1.
        let weight: Double
        /// For each class, its place in this teacher's outputs; `nil` where they are the same.
        let columns: [Int]?
    }

    let members: [Member]
    let combination: TeacherCombination
    let problemType: TaskIdentifier

    /// - Parameter members: At least one, with weights above 0 in any proportion.
    init(_ members: [Member], combination: TeacherCombination, problemType: TaskIdentifier) {
        let sum = members.reduce(0) { $0 + $1.weight }
        self.members = members.map {
            Member(outputs: $0.outputs, weight: $0.weight / sum, columns: $0.columns)
        }
        self.combination = combination
        self.problemType = problemType
    }

    /// One teacher's outputs as they are, several as one.
    static func joining(
        _ members: [Member], combination: TeacherCombination, problemType: TaskIdentifier
    ) -> any TeacherOutputs {
        if members.count == 1, members[0].columns == nil { return members[0].outputs }
        return TeacherEnsemble(members, combination: combination, problemType: problemType)
    }

    var count: Int { members[0].outputs.count }
    var classes: Int { members[0].outputs.classes }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        var sum = [Double](repeating: 0, count: classes)
        var row: [Float] = []
        for member in members {
            row.removeAll(keepingCapacity: true)
            try member.outputs.appendRow(index, to: &row)
            let own = mapped(row)
            for place in sum.indices { sum[place] += member.weight * own[member.columns?[place] ?? place] }
        }
        values += unmapped(sum).map { Float($0) }
    }

    /// Logits to what is averaged.
    private func mapped(_ row: [Float]) -> [Double] {
        let row = row.map { Double($0) }
        return combination == .probabilities ? problemType.definition.outputs.probabilities(row) : row
    }

    /// The average to logits.
    private func unmapped(_ row: [Double]) -> [Double] {
        combination == .probabilities ? problemType.definition.outputs.logits(row) : row
    }
}

/// Some rows of a teacher's outputs.
struct TeacherOutputsSubset: TeacherOutputs {
    let base: any TeacherOutputs
    let indices: [Int]

    var count: Int { indices.count }
    var classes: Int { base.classes }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        try base.appendRow(indices[index], to: &values)
    }
}
