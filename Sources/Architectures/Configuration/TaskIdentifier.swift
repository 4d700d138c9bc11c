/// A task, which gives a model's outputs their meaning. The first three are those of transformers'
/// `problem_type`.
public enum TaskIdentifier: String, CaseIterable, Sendable, Codable {
    /// One of several classes for each example.
    case singleLabel = "single_label_classification"
    /// Any number of classes for each example.
    case multiLabel = "multi_label_classification"
    /// A number for each example.
    case regression
    /// A score for each query with a document, by which a query's documents are ordered.
    case ranking
    /// One of several classes for each token, as in named entity recognition.
    case tokenClassification = "token_classification"
    /// The next token, at each token of a text.
    case causalLanguageModel = "causal_language_model"
    /// A vector for each text, near those of similar texts.
    case embedding = "sentence_embedding"

    /// True if an example has one of several classes.
    public var hasOneClass: Bool { self == .singleLabel }

    /// True if each class has a probability of its own, whatever the others'.
    public var hasIndependentClasses: Bool { self == .multiLabel }

    /// The tasks of models for sequence classification, which `problem_type` distinguishes.
    public static let sequenceTasks: [TaskIdentifier] = [.singleLabel, .multiLabel, .regression]

    /// The tasks whose outputs are classes or numbers with names.
    public static let labeledTasks: [TaskIdentifier] = sequenceTasks + [.tokenClassification]

    /// True if its models are classes for sequence classification in transformers.
    public var classifiesSequences: Bool { self == .ranking || Self.sequenceTasks.contains(self) }
}
