import Foundation

/// Whether a teacher knows more than always answering the commonest class.
public struct TeacherAssessment: Sendable, Equatable {
    public let accuracy: Double
    /// The accuracy of always answering the commonest class.
    public let majorityBaseline: Double

    public init(predictions: [Int], labels: [Int]) {
        let total = Double(max(1, labels.count))
        accuracy = Double(zip(predictions, labels).count { $0 == $1 }) / total
        let counts = labels.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        majorityBaseline = Double(counts.values.max() ?? 0) / total
    }

    /// What the user must not miss, where there is something.
    public var warning: String? {
        guard accuracy <= majorityBaseline else { return nil }
        return String(
            format: "The teacher's accuracy is %.1f %%, no better than always answering the commonest class "
                + "(%.1f %%). A student can only learn its mistakes: fine-tune the teacher on this task first "
                + "(`distill finetune`), and check that its labels are in the data's order.",
            accuracy * 100, majorityBaseline * 100)
    }

    /// What the user may want to know, where there is nothing to warn of.
    var note: String {
        String(
            format: "The teacher's accuracy on the validation data is %.2f %% (commonest class: %.2f %%).",
            accuracy * 100, majorityBaseline * 100)
    }
}
