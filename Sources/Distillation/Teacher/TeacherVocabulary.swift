import Foundation
import Tokenizers
import Torch
import Transformers

/// The tokens of a teacher whose vocabulary has all of the student's, and more.
///
/// The teacher reads the student's tokens by its own numbers. What it teaches is its distribution over the student's tokens, normalized
/// to 1: a student cannot give mass to tokens that it does not have, so that KL(teacher ‖ student) over all tokens would be infinite, and
/// as one outcome beside its own the rest would have the probability 0. Of all distributions over the student's tokens the normalized
/// one is nearest to the teacher's (it has the least KL from it), and it is the softmax of the logits that are left: the output layer's
/// rows of the student's tokens.
struct TeacherVocabulary: Sendable {
    /// The teacher's number of each of the student's tokens.
    let teacherIDs: [Int32]

    /// - Returns: `nil` where the student has a token that the teacher lacks, or both number their tokens alike.
    init?(student: Tokenizer, teacher: Tokenizer) {
        let count = student.vocabularySize
        guard Int(student.largestTokenID) == count - 1, count <= teacher.vocabularySize else { return nil }
        var ids: [Int32] = []
        ids.reserveCapacity(count)
        for own in 0..<Int32(count) {
            guard let token = student.idToToken(own), let id = teacher.tokenToID(token),
                student.bytes(ofToken: own) == teacher.bytes(ofToken: id)
            else { return nil }
            ids.append(id)
        }
        guard ids.enumerated().contains(where: { $0.offset != Int($0.element) }) else { return nil }
        teacherIDs = ids
    }

    /// An input of the student's tokens as the teacher reads it.
    func input(_ input: PackedInput) -> PackedInput {
        var input = input
        input.inputIDs = input.inputIDs.map { teacherIDs[Int($0)] }
        return input
    }

    /// (student's tokens, H) The rows of the teacher's output layer that the student has.
    func rows(of weight: Tensor) throws -> Tensor {
        try weight.detached().indexSelect(
            dimension: 0, Tensor(teacherIDs.map(Int64.init), device: weight.device))
    }

    /// The mean mass that the teacher gives to tokens that the student does not have.
    ///
    /// - Parameters:
    ///   - whole: The teacher's statistics of some tokens, from all of its output layer.
    ///   - own: The same from ``rows(of:)``.
    static func lostMass(whole: Logits, own: Logits) -> Double {
        guard whole.count > 0 else { return 0 }
        // Both subtract the logarithm of their sum from the same logit.
        let lost = zip(
            TokenStatisticsMetrics.values(.studentSurprisal, own),
            TokenStatisticsMetrics.values(.studentSurprisal, whole)
        ).map { max(0, 1 - exp($0 - $1)) }
        return lost.reduce(0, +) / Double(whole.count)
    }
}
