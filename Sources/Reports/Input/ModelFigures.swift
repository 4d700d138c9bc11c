import JSON

/// A model's evaluation. Values that a record lacks are `nil`.
struct ModelFigures: Sendable {
    enum Role: String, Sendable {
        case teacher, student, baseline, model, quantized
    }

    var name: String
    var role: Role
    /// The path of the model, if known: shows whether two records describe the same model.
    var path: String?
    var problemType: String
    var metrics: [String: Double] = [:]
    var f1: [(label: String, value: Double)] = []
    var confusion: [[Int]]?
    var examples: Int?
    var parameters: Double?
    var bytes: Double?
    var p50: Double?
    var p95: Double?
    /// Agreement and KL with its teacher.
    var agreement: Double?
    var kl: Double?
    /// The digest of the data it was evaluated on, and the file's name.
    var dataDigest: String?
    var dataName: String?
    /// True if an input is a pair of texts, false if it is a text.
    var readsPairs: Bool
    /// The name of the metric that decides: the task's own, or that of the model which it is compared with.
    var mainMetric: String

    /// Reads an evaluation of a record.
    init?(_ value: JSONValue?, name: String, role: Role, path: String?) {
        guard let object = value?.objectValue else { return nil }
        self.name = name
        self.role = role
        self.path = path
        let type = object["problem_type"]?.stringValue ?? "single_label_classification"
        problemType = type
        readsPairs = object["scores_pairs"]?.boolValue == true || type == "ranking"
        mainMetric = TaskText.of(type).metrics[0]
        for (key, value) in object["metrics"]?.objectValue ?? JSONObject() {
            metrics[key] = value.doubleValue
        }
        // Records before there were metrics by name.
        for key in ["accuracy", "macro_f1", "matthews_correlation"] where metrics[key] == nil {
            metrics[key] = object[key]?.doubleValue
        }
        f1 = (object["f1"]?.arrayValue ?? []).compactMap { score in
            guard let label = score.objectValue?["label"]?.stringValue,
                let value = score.objectValue?["value"]?.doubleValue
            else { return nil }
            return (label, value)
        }
        confusion = object["confusion_matrix"]?.arrayValue.map { rows in
            // Beyond this no count can be, and sums would overflow.
            rows.map { $0.arrayValue?.map { min(max(0, $0.intValue ?? 0), 1 << 40) } ?? [] }
        }
        examples = object["examples"]?.intValue
        func positive(_ key: String) -> Double? {
            object[key]?.doubleValue.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        }
        parameters = positive("parameters")
        bytes = positive("bytes_on_disk")
        p50 = positive("latency_p50_milliseconds")
        p95 = positive("latency_p95_milliseconds")
        agreement = metrics["agreement"]
        kl = metrics["kl"]
    }

    /// The metric that decides.
    var main: Double? { metrics[mainMetric].flatMap { $0.isFinite ? $0 : nil } }
}
