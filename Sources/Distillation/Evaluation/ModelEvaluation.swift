import Transformers

/// The evaluation of a model on labeled examples. Values that do not exist for a problem type are `nil`.
public struct ModelEvaluation: Sendable, Equatable {
    public var problemType: TaskIdentifier
    /// Every metric that was computed, by name.
    public var metrics: MetricValues
    /// By label, in the label map's order.
    public var f1: [LabelScore]?
    /// Rows: true labels; columns: predicted ones; both in the label map's order.
    public var confusionMatrix: [[Int]]?
    public var examples: Int
    public var parameters: Int
    /// Of the weights' files.
    public var bytesOnDisk: Int
    /// One example at a time; `nil` where not measured.
    public var latencyP50Milliseconds: Double?
    public var latencyP95Milliseconds: Double?
    /// True for a teacher that gives pairs of texts scores, beside a student that gives each text a vector; `nil` for other models.
    public var scoresPairs: Bool?

    /// The fraction of right classes; for multi-label classification, of examples whose labels are all right.
    public var accuracy: Double? { metrics[.accuracy] }
    public var macroF1: Double? { metrics[.macroF1] }
    public var matthewsCorrelation: Double? { metrics[.matthewsCorrelation] }
    /// The loss with the labels: cross-entropy, binary cross-entropy, or the mean squared error.
    public var hardLoss: Double? { metrics[.loss] }
}

extension ModelEvaluation: Codable {
    private enum Key: String, CodingKey {
        case problemType, metrics, accuracy, macroF1, f1, matthewsCorrelation, confusionMatrix, hardLoss
        case examples, parameters, bytesOnDisk, latencyP50Milliseconds, latencyP95Milliseconds, scoresPairs
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        problemType = try container.decode(TaskIdentifier.self, forKey: .problemType)
        metrics = try container.decode(MetricValues.self, forKey: .metrics)
        f1 = try container.decodeIfPresent([LabelScore].self, forKey: .f1)
        confusionMatrix = try container.decodeIfPresent([[Int]].self, forKey: .confusionMatrix)
        examples = try container.decode(Int.self, forKey: .examples)
        parameters = try container.decode(Int.self, forKey: .parameters)
        bytesOnDisk = try container.decode(Int.self, forKey: .bytesOnDisk)
        latencyP50Milliseconds = try container.decodeIfPresent(Double.self, forKey: .latencyP50Milliseconds)
        latencyP95Milliseconds = try container.decodeIfPresent(Double.self, forKey: .latencyP95Milliseconds)
        scoresPairs = try container.decodeIfPresent(Bool.self, forKey: .scoresPairs)
    }

    /// Also writes the metrics of older reports as keys of their own, for programs that read them there.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(problemType, forKey: .problemType)
        try container.encode(metrics, forKey: .metrics)
        try container.encodeIfPresent(accuracy, forKey: .accuracy)
        try container.encodeIfPresent(macroF1, forKey: .macroF1)
        try container.encodeIfPresent(f1, forKey: .f1)
        try container.encodeIfPresent(matthewsCorrelation, forKey: .matthewsCorrelation)
        try container.encodeIfPresent(confusionMatrix, forKey: .confusionMatrix)
        try container.encodeIfPresent(hardLoss, forKey: .hardLoss)
        try container.encode(examples, forKey: .examples)
        try container.encode(parameters, forKey: .parameters)
        try container.encode(bytesOnDisk, forKey: .bytesOnDisk)
        try container.encodeIfPresent(latencyP50Milliseconds, forKey: .latencyP50Milliseconds)
        try container.encodeIfPresent(latencyP95Milliseconds, forKey: .latencyP95Milliseconds)
        try container.encodeIfPresent(scoresPairs, forKey: .scoresPairs)
    }
}

extension ModelEvaluation {
    /// The task's own metric: accuracy, micro F1 or Pearson's correlation.
    public var taskMetric: Double? { metrics[MetricName.ofTask(problemType)] }
}
