import Foundation

/// How well a model answers multiple-choice questions.
public typealias ChoiceScores = ChoiceWays<ChoiceAccuracy>

/// A value for each way to choose, by the names of lm-eval's metrics.
public struct ChoiceWays<Value> {
    /// By the most probable choice.
    public var acc: Value
    /// By the choice of the largest log-probability a character.
    public var accNorm: Value
    /// By the choice of the largest log-probability a byte.
    public var accBytes: Value

    func map<Other>(_ transform: (Value) throws -> Other) rethrows -> ChoiceWays<Other> {
        ChoiceWays<Other>(
            acc: try transform(acc), accNorm: try transform(accNorm), accBytes: try transform(accBytes))
    }

    /// The values of two for each way.
    func paired<Other>(with other: ChoiceWays<Other>) -> ChoiceWays<(Value, Other)> {
        ChoiceWays<(Value, Other)>(
            acc: (acc, other.acc), accNorm: (accNorm, other.accNorm), accBytes: (accBytes, other.accBytes))
    }
}

extension ChoiceWays: Sendable where Value: Sendable {}
extension ChoiceWays: Equatable where Value: Equatable {}
extension ChoiceWays: Encodable where Value: Encodable {}
extension ChoiceWays: Decodable where Value: Decodable {}

/// The fraction of questions that are answered rightly.
public struct ChoiceAccuracy: Sendable, Equatable, Codable {
    public var value: Double
    /// The standard error of the mean, as lm-eval's `stderr`; 0 for a single question.
    public var standardError: Double
    /// The 95 % confidence interval: Wilson's score interval ("Probable Inference", 1927).
    public var low: Double
    public var high: Double

    /// - Parameter isRight: Whether each question is answered rightly; one or more.
    init(_ isRight: [Bool]) {
        let n = Double(isRight.count)
        let p = Double(isRight.count { $0 }) / n
        value = p
        standardError = n > 1 ? (p * (1 - p) / (n - 1)).squareRoot() : 0
        let z = 1.959963984540054
        let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        (low, high) = (max(0, middle - half), min(1, middle + half))
    }
}

/// The log-probabilities of a question's choices, and what is chosen by them.
struct ChoiceAnswer: Sendable, Equatable {
    /// The sum of the natural logarithms of the probabilities of a choice's tokens, choice by choice.
    let logLikelihoods: [Double]
    /// The choice by the sums, by their means over characters, and by those over bytes; the first among equals.
    let chosen: [Int]

    /// - Parameters:
    ///   - logLikelihoods: The sums, choice by choice.
    ///   - question: The question.
    init(_ logLikelihoods: [Double], _ question: ChoiceQuestion) {
        self.logLikelihoods = logLikelihoods
        func best(_ size: (String) -> Double) -> Int {
            let values = zip(logLikelihoods, question.choices).map { $0 / size($1) }
            return values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
        }
        chosen = [
            best { _ in 1 }, best { Double($0.unicodeScalars.count) }, best { Double($0.utf8.count) },
        ]
    }
}

extension ChoiceWays<ChoiceAccuracy> {
    /// - Parameters:
    ///   - answers: The answers to all questions.
    ///   - questions: As many questions, one or more.
    init(_ answers: [ChoiceAnswer], _ questions: [ChoiceQuestion]) {
        self = Self.right(answers, questions).map(ChoiceAccuracy.init)
    }

    /// Whether each question is answered rightly, by each way to choose.
    static func right(_ answers: [ChoiceAnswer], _ questions: [ChoiceQuestion]) -> ChoiceWays<[Bool]> {
        func right(_ way: Int) -> [Bool] { zip(answers, questions).map { $1.gold.contains($0.chosen[way]) } }
        return ChoiceWays<[Bool]>(acc: right(0), accNorm: right(1), accBytes: right(2))
    }
}

/// The result of one file of multiple-choice questions.
public struct ChoiceReport: Sendable, Equatable, Codable {
    public var data: DataRecord
    /// The text between a query and each choice.
    public var targetDelimiter: String
    /// The accuracy of choosing blindly.
    public var chance: Double
    /// The choices whose query was too long for the model, so that its beginning was left out.
    public var cutChoices: Int
    public var model: ChoiceScores
    public var teacher: ChoiceScores?
    /// The model's scores minus the teacher's, with intervals by the paired bootstrap over the questions.
    public var difference: ChoiceWays<PairedBootstrap>?
}
