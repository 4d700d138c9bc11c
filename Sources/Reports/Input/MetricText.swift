/// The presentation of a task's metrics on the page, found by the name that records have for the task.
struct TaskText: Sendable {
    /// The metrics of a table of models, the main one first.
    let metrics: [String]
    /// Titles that differ from the usual ones.
    var titles: [String: String] = [:]
    /// True if agreement with a teacher is a fraction, false if it is a correlation.
    var agreementIsFraction = true
    /// What is counted in evaluations.
    var unit = "examples"

    private static let tasks: [String: TaskText] = [
        "single_label_classification": TaskText(
            metrics: ["accuracy", "macro_f1", "matthews_correlation", "ece"]),
        "multi_label_classification": TaskText(
            metrics: ["micro_f1", "macro_f1", "accuracy", "ece"], titles: ["accuracy": "subset accuracy"]),
        "regression": TaskText(
            metrics: ["pearson", "spearman", "mse", "mae", "r2"],
            titles: ["agreement": "correlation with teacher"], agreementIsFraction: false),
        "ranking": TaskText(
            metrics: ["ndcg@10", "mrr@10", "map", "spearman", "pearson"],
            titles: ["agreement": "correlation with teacher"], agreementIsFraction: false, unit: "pairs"),
        "token_classification": TaskText(
            metrics: ["f1", "precision", "recall", "macro_f1", "accuracy", "ece"],
            titles: ["accuracy": "accuracy of tags", "agreement": "agreement of tags"]),
        "causal_language_model": TaskText(
            metrics: [
                "perplexity", "loss", "byte_perplexity", "bits_per_byte", "accuracy", "ece", "kl_median",
                "kl_99",
            ],
            titles: [
                "accuracy": "accuracy of next tokens", "agreement": "agreement on the most probable token",
                "loss": "loss per token",
            ], unit: "tokens"),
        "sentence_embedding": TaskText(
            metrics: [
                "spearman", "pearson", "teacher_mse", "ndcg@10", "mrr@10", "map", "map@100", "recall@10",
                "src2trg_accuracy",
                "trg2src_accuracy", "translation_mse",
            ],
            titles: ["agreement": "similarity to teacher"], agreementIsFraction: false, unit: "texts"),
    ]

    /// An unknown task is treated as single-label classification.
    static func of(_ problemType: String) -> TaskText {
        tasks[problemType] ?? TaskText(metrics: ["accuracy", "macro_f1", "matthews_correlation", "ece"])
    }
}

/// The names of metrics on the page, and their number formats.
enum MetricText {
    private static let titles = [
        "f1": "F1 of entities", "macro_f1": "macro F1", "micro_f1": "micro F1",
        "matthews_correlation": "Matthews correlation", "pearson": "Pearson correlation",
        "spearman": "Spearman correlation", "ndcg@10": "nDCG@10", "mrr@10": "MRR@10", "map": "MAP",
        "mse": "mean squared error", "mae": "mean absolute error",
        "r2": "R²",
        "ece": "calibration error", "kl": "KL to teacher", "agreement": "agreement with teacher",
        "teacher_mse": "mean squared difference from teacher", "loss": "loss with the labels",
        "kl_median": "KL to teacher, median", "kl_99": "KL to teacher, 99 %",
        "map@100": "MAP@100",
        "graded_ndcg@10": "nDCG@10 with grades", "src2trg_accuracy": "text to translation",
        "trg2src_accuracy": "translation to text", "translation_mse": "translations from teacher, MSE × 100",
        "byte_perplexity": "perplexity by byte", "bits_per_byte": "bits per byte",
    ]

    /// The metrics of which less is better.
    private static let errors: Set<String> = [
        "mse", "mae", "translation_mse", "ece", "kl", "kl_median", "kl_99", "teacher_mse", "loss",
        "perplexity",
        "byte_perplexity",
        "bits_per_byte", "entropy", "teacher_entropy",
    ]

    /// Returns true if a larger value of a metric is better.
    static func greaterIsBetter(_ name: String) -> Bool { !errors.contains(name) }

    /// A metric's title with its direction where less is better.
    static func directedTitle(_ name: String, _ problemType: String) -> String {
        title(name, problemType) + (greaterIsBetter(name) ? "" : " (less is better)")
    }

    static func title(_ name: String, _ problemType: String) -> String {
        TaskText.of(problemType).titles[name] ?? titles[name] ?? name.replacing("_", with: " ")
    }

    static func isFraction(_ name: String, _ problemType: String) -> Bool {
        ["accuracy", "macro_f1", "micro_f1", "f1", "precision", "recall", "entity_agreement"].contains(name)
            || name == "agreement" && TaskText.of(problemType).agreementIsFraction
    }

    static func format(_ name: String, _ problemType: String) -> NumberText {
        isFraction(name, problemType) ? .percent : .fourDigits
    }

    /// The metrics of a table of models, the most telling first.
    static func names(_ problemType: String) -> [String] { TaskText.of(problemType).metrics }
}
