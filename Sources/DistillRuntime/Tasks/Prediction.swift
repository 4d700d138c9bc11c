/// A model's prediction. Values that do not exist for a problem type are `nil`.
public struct Prediction: Sendable, Equatable, Codable {
    /// The most likely label, of a model that chooses one.
    public var label: String?
    /// The labels above the threshold, of a model that may choose several.
    public var labels: [String]?
    /// The label's probability, or, for regression, the number.
    public var score: Double?
    /// All labels' probabilities, in the label map's order; `nil` for regression.
    public var scores: [LabelScore]?

    public init(
        label: String? = nil, labels: [String]? = nil, score: Double? = nil, scores: [LabelScore]? = nil
    ) {
        self.label = label
        self.labels = labels
        self.score = score
        self.scores = scores
    }
}

/// A label with a number: its probability, or a metric of it.
public struct LabelScore: Sendable, Equatable, Codable {
    public var label: String
    public var value: Double

    public init(label: String, value: Double) {
        self.label = label
        self.value = value
    }
}
