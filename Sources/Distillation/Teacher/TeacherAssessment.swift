import Foundation
import Transformers

/// A comparison of a teacher with the constant baseline: the majority class, the best label set, or the mean.
public struct TeacherAssessment: Sendable, Equatable {
    /// The metric of the comparison: the problem type's own.
    public let metric: MetricName
    /// The metric on the examples that have a label.
    public let value: Double
    /// The metric of the constant baseline.
    public let baseline: Double
    /// R², for regression; `nil` for other tasks.
    public let r2: Double?

    /// Assesses a teacher of single-label classification.
    ///
    /// - Parameters:
    ///   - predictions: The classes that it predicts.
    ///   - labels: As many true classes.
    public init(predictions: [Int], labels: [Int]) {
        let total = Double(max(1, labels.count))
        metric = .accuracy
        value = Double(zip(predictions, labels).count { $0 == $1 }) / total
        let counts = labels.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        baseline = Double(counts.values.max() ?? 0) / total
        r2 = nil
    }

    /// Assesses a teacher of any problem type.
    ///
    /// - Parameters:
    ///   - logits: The teacher's, for all examples.
    ///   - targets: Their labels; examples without one do not count.
    public init(_ logits: Logits, targets: Targets) {
        let labeled = targets.labeledIndices
        self = targets.task.definition.assess(logits.subset(labeled), targets.subset(labeled))
    }

    init(metric: MetricName, value: Double, baseline: Double, r2: Double? = nil) {
        self.metric = metric
        self.value = value
        self.baseline = baseline
        self.r2 = r2
    }

    /// The teacher's result in one line, for a teacher that can be used.
    public var summary: String {
        switch metric {
        case .microF1:
            String(
                format:
                    "The teacher's micro F1 on the validation data is %.2f %% (constant baseline: %.2f %%).",
                value * 100, baseline * 100)
        case .perplexity:
            String(
                format:
                    "The teacher predicts %.2f %% of the validation data's tokens (the most frequent token: %.2f %%).",
                value * 100, baseline * 100)
        case .f1:
            String(format: "The teacher's F1 on the validation data's entities is %.2f %%.", value * 100)
        case .spearman:
            String(
                format:
                    "The Spearman correlation of the teacher's scores with the validation data's is %.4f.",
                value)
        case .pearson:
            String(
                format:
                    "The teacher's Pearson correlation with the validation data's labels is %.4f, its R² %.4f.",
                value, r2 ?? .nan)
        default:
            String(
                format:
                    "The teacher's accuracy on the validation data is %.2f %% (majority class: %.2f %%).",
                value * 100, baseline * 100)
        }
    }

    /// A warning that the teacher is no better than the constant baseline, or off the labels' scale; `nil` where it is fine.
    public var warning: String? {
        guard value <= baseline else {
            guard let r2, r2 < 0 else { return nil }
            return String(
                format:
                    "The teacher's predictions correlate with the labels (Pearson correlation %.4f), but are further off than their "
                    + "mean (R² %.3g): a student learns them as they are. Bring labels and teacher to one scale.",
                value, r2)
        }
        let what =
            switch metric {
            case .microF1:
                String(
                    format:
                        "The teacher's micro F1 is %.1f %%, no better than always predicting the same labels (%.1f %%). ",
                    value * 100, baseline * 100)
            case .perplexity:
                String(
                    format:
                        "The teacher predicts %.1f %% of the tokens, no more than always the most frequent one (%.1f %%). ",
                    value * 100, baseline * 100)
            case .f1: "The teacher finds none of the validation data's entities. "
            case .spearman:
                String(
                    format:
                        "The Spearman correlation of the teacher's scores with the data's is %.4f, no better than a constant's. ",
                    value)
            case .pearson:
                String(
                    format: "The teacher's Pearson correlation is %.4f, no better than a constant's. ", value)
            default:
                String(
                    format:
                        "The teacher's accuracy is %.1f %%, no better than always predicting the majority class (%.1f %%). ",
                    value * 100, baseline * 100)
            }
        if metric == .spearman {
            return what
                + "A student can only learn its mistakes: check that larger scores stand for texts that are more alike, and that these are "
                + "texts of the teacher's language and kind."
        }
        if metric == .perplexity {
            return what
                + "A student can only learn its mistakes: take another teacher, or fine-tune this one on such texts first "
                + "(`distill finetune`), and check that chat template and tokenizer are its own."
        }
        return what + "A student can only learn its mistakes: fine-tune the teacher on this task first "
            + "(`distill finetune`), and check that its labels are "
            + (metric == .pearson ? "on the data's scale." : "in the data's order.")
    }
}
