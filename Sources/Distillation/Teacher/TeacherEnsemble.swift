import Foundation
import Transformers

/// The way in which several teachers are combined into one.
public enum TeacherCombination: String, CaseIterable, Sendable, Codable {
    /// The weighted mean of their probabilities, whose logarithms serve as logits: each teacher counts by its
    /// weight, however large its logits are.
    case probabilities
    /// The weighted mean of their logits: a more confident teacher counts for more (as in TextBrewer and You et al.,
    /// "Learning from Multiple Teacher Networks", KDD 2017).
    case logits
}

/// The outputs of several teachers as those of one.
struct TeacherEnsemble: TeacherOutputs {
    struct Member: Sendable {
        let outputs: any TeacherOutputs
        /// Above 0; the members' add up to 1.
        let weight: Double
        /// For each class, its index in this teacher's outputs; `nil` where the order is the same.
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

    /// Returns one teacher's outputs as they are, or several teachers' combined into one.
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
            for column in sum.indices {
                sum[column] += member.weight * own[member.columns?[column] ?? column]
            }
        }
        values += unmapped(sum).map { Float($0) }
    }

    /// Converts logits to the values that are averaged.
    private func mapped(_ row: [Float]) -> [Double] {
        let row = row.map { Double($0) }
        return combination == .probabilities ? problemType.definition.outputs.probabilities(row) : row
    }

    /// Converts the averages to logits.
    private func unmapped(_ row: [Double]) -> [Double] {
        combination == .probabilities ? problemType.definition.outputs.logits(row) : row
    }
}

/// A subset of the rows of a teacher's outputs.
struct TeacherOutputsSubset: TeacherOutputs {
    let base: any TeacherOutputs
    let indices: [Int]

    var count: Int { indices.count }
    var classes: Int { base.classes }

    func appendRow(_ index: Int, to values: inout [Float]) throws {
        try base.appendRow(indices[index], to: &values)
    }
}
