import Transformers

/// The attention maps that are compared where the two models' numbers of heads differ.
enum HeadMatching: String, CaseIterable {
    /// Head with head: the numbers must be equal.
    case same
    /// The means over the heads of either model.
    case match

    static let option = ObjectiveOption(
        "heads", default: "same", "same (head with head), or match (means over each model's heads)")

    /// - Throws: ``DistillationError`` where heads cannot be compared one with one.
    func check(_ student: ModelConfiguration, _ teacher: ModelConfiguration, objective: String) throws {
        guard self == .match || student.numAttentionHeads == teacher.numAttentionHeads else {
            throw DistillationError(
                "\(objective): the student has \(student.numAttentionHeads) attention heads, the teacher "
                    + "\(teacher.numAttentionHeads); set heads = match, or use minilm_v2")
        }
    }
}
