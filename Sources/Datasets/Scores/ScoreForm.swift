/// A form in which files hold the scores that a teacher gave.
public enum ScoreForm: String, CaseIterable, Sendable {
    /// A list of objects with `label` and `score`, as transformers' pipelines give it.
    case list
    /// `labels` and `scores` side by side, the best first, as zero-shot pipelines give them.
    case ranked
    /// An object of labels and their scores.
    case object
    /// A column, or a key, for each class: `score_sports`.
    case columns
    /// An array in the order of the classes.
    case array
    /// The most probable tokens of a language model's answer, with their log-probabilities.
    case tokens
    /// One label with its confidence.
    case label
    /// The labels that several annotators, or several answers, gave; or how many gave each.
    case votes

    /// The form in words.
    public var description: String {
        switch self {
        case .list: "lists of label and score"
        case .ranked: "labels and scores side by side, as of a zero-shot pipeline"
        case .object: "objects of labels and scores"
        case .columns: "a column for each class"
        case .array: "arrays in the order of the classes"
        case .tokens: "log-probabilities of the most probable tokens"
        case .label: "one label with its confidence"
        case .votes: "votes"
        }
    }

    /// True if a row may lack classes, which then have what is left of the probability.
    public var mayBeTruncated: Bool {
        switch self {
        case .list, .ranked, .object, .tokens, .label: true
        case .columns, .array, .votes: false
        }
    }

    /// True if rows name the labels that matter, so that a label may be in none of them.
    public var leavesOut: Bool {
        switch self {
        case .list, .ranked, .tokens, .label, .votes: true
        case .object, .columns, .array: false
        }
    }

    /// True if the first row names the classes in their order.
    public var hasOrder: Bool { self == .object || self == .columns }
}

/// The meaning of scores as the name of their key or column tells it.
public enum ScoreMeaning: String, Sendable {
    case logits
    case probabilities
    case logProbabilities
    /// The name tells nothing; the numbers must.
    case unstated

    /// The meaning of a key such as `logits`, or of the beginning of a column's name such as `prob_`.
    static func ofKey(_ key: String) -> ScoreMeaning {
        let plain = key.lowercased().filter { $0 != "_" && $0 != "-" }
        if plain.contains("logit") { return .logits }
        if plain.contains("logprob") { return .logProbabilities }
        if plain.contains("prob") || plain == "p" || plain == "confidence" { return .probabilities }
        return .unstated
    }
}

/// A row of a file of scores.
public struct ScoreRow: Sendable, Equatable {
    /// A name and its number, in the order of the file.
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var value: Double

        public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
    }

    /// The scores of a row: those of names, or in the order of the classes.
    public enum Values: Sendable, Equatable {
        case named([Entry])
        case positional([Double])
    }

    /// The text that the scores are of; `nil` where rows have none.
    public var text: String?
    /// The second text, of pairs.
    public var pair: String?
    public var values: Values
    /// The other texts of a row whose text has no name that is known, in the order of the first row's keys.
    public var others: [String] = []
    /// The row's place in its file, for errors.
    public var place: ObjectRow
}

/// What is wrong with a row of scores, as the end of a sentence that names its file and line.
struct ScoreError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
