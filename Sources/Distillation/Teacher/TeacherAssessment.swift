import Foundation
import Transformers

/// Whether a teacher knows more than always giving the same answer: the commonest class, the best set, or the mean.
public struct TeacherAssessment: Sendable, Equatable {
    /// What it is judged by: the problem type's own metric.
    public let metric: MetricName
    /// The metric on the examples that have a label.
    public let value: Double
    /// The metric of the best constant answer.
    public let baseline: Double
    /// R², of a teacher that answers with a number.
    public let r2: Double?

    /// Judges a teacher that chooses one class.
    ///
    /// - Parameters:
    ///   - predictions: The classes it chose.
    ///   - labels: As many true classes.
    public init(predictions: [Int], labels: [Int]) {
        let total = Double(max(1, labels.count))
        metric = .accuracy
        value = Double(zip(predictions, labels).count { $0 == $1 }) / total
        let counts = labels.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        baseline = Double(counts.values.max() ?? 0) / total
        r2 = nil
    }

    /// Judges a teacher of any problem type.
    ///
    /// - Parameters:
    ///   - logits: The teacher's, for all examples.
    ///   - targets: Their labels; examples without one do not count.
    public init(_ logits: Logits, targets: Targets) {
        let labelled = targets.labelledIndices
        self = targets.task.definition.assess(logits.subset(labelled), targets.subset(labelled))
    }

    init(metric: MetricName, value: Double, baseline: Double, r2: Double? = nil) {
        self.metric = metric
        self.value = value
        self.baseline = baseline
        self.r2 = r2
    }

    /// What to tell of a teacher that may teach.
    public var summary: String {
        switch metric {
        case .microF1:
            String(
                format:
                    "The teacher's micro F1 on the validation data is %.2f %% (best constant answer: %.2f %%).",
                value * 100, baseline * 100)
        case .f1:
            String(format: "The teacher's F1 on the validation data's entities is %.2f %%.", value * 100)
        case .pearson:
            String(
                format:
                    "The teacher's Pearson correlation with the validation data's labels is %.4f, its R² %.4f.",
                value, r2 ?? .nan)
        default:
            String(
                format:
                    "The teacher's accuracy on the validation data is %.2f %% (commonest class: %.2f %%).",
                value * 100, baseline * 100)
        }
    }

    /// What the user must not miss, where there is something.
    public var warning: String? {
        guard value <= baseline else {
            guard let r2, r2 < 0 else { return nil }
            return String(
                format:
                    "The teacher's numbers go with the labels (Pearson correlation %.4f), but are further off than their "
                    + "mean (R² %.3g): a student learns them as they are. Bring labels and teacher to one scale.",
                value, r2)
        }
        let what =
            switch metric {
            case .microF1:
                String(
                    format:
                        "The teacher's micro F1 is %.1f %%, no better than always giving the same labels (%.1f %%). ",
                    value * 100, baseline * 100)
            case .f1: "The teacher finds none of the validation data's entities. "
            case .pearson:
                String(
                    format: "The teacher's Pearson correlation is %.4f, no better than a constant's. ", value)
            default:
                String(
                    format:
                        "The teacher's accuracy is %.1f %%, no better than always answering the commonest class (%.1f %%). ",
                    value * 100, baseline * 100)
            }
        return what + "A student can only learn its mistakes: fine-tune the teacher on this task first "
            + "(`distill finetune`), and check that its labels are "
            + (metric == .pearson ? "on the data's scale." : "in the data's order.")
    }
}
