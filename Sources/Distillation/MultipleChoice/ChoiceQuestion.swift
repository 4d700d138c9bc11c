import Datasets

/// A question with answers to choose from, as lm-eval's tasks of multiple choice have them.
public struct ChoiceQuestion: Sendable, Equatable {
    /// What stands before each answer; may be empty.
    public var query: String
    /// The answers, two or more.
    public var choices: [String]
    /// The indices of those that are right, one or more.
    public var gold: [Int]
    /// Where it stands, for errors.
    var row = ObjectRow([:], line: 1)

    /// Makes a question.
    ///
    /// - Parameters:
    ///   - query: What stands before each answer.
    ///   - choices: The answers.
    ///   - gold: The indices of those that are right.
    public init(query: String, choices: [String], gold: [Int]) {
        self.query = query
        self.choices = choices
        self.gold = gold
    }
}
