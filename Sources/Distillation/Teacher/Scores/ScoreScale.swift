import Datasets
import Foundation
import Transformers

/// What the numbers of scores are.
enum ScoreScale: Sendable, Equatable {
    case logits, probabilities, logProbabilities
    /// Probabilities times 100.
    case percentages
    /// How many gave each label.
    case counts

    /// How far rounded probabilities may lie outside of 0 to 1.
    static let slack = 1e-4

    /// Decides by the name of the key, and where that tells nothing by the numbers.
    ///
    /// - Throws: ``DistillationError`` where the numbers are not what the name says, or may be several things.
    init(_ survey: ScoreSurvey, for outputs: OutputKind) throws {
        let (numbers, name, slack) = (survey.numbers, survey.request.name, Self.slack)
        let isFraction = numbers.least >= -slack && numbers.most <= 1 + slack
        if survey.form == .votes {
            self = .counts
            return
        }
        switch survey.meaning {
        case .logits: self = .logits
        case .logProbabilities:
            guard numbers.most <= 1e-3 else {
                throw DistillationError(
                    "\(name): log-probabilities are 0 at most, but there is \(Self.text(numbers.most)); name the key logits or "
                        + "probabilities where they are these")
            }
            self = .logProbabilities
        case .probabilities:
            let isPercent = numbers.least >= 0 && numbers.most <= 100 + 1e-6 && Self.arePercentages(survey)
            guard isFraction || isPercent else {
                throw DistillationError(
                    "\(name): probabilities are from 0 to 1, but there is \(Self.text(numbers.most > 1 ? numbers.most : numbers.least)); "
                        + "name the key logits where they are these")
            }
            self = isFraction ? .probabilities : .percentages
        case .unstated: self = try Self.byNumbers(survey, outputs, isFraction)
        }
    }

    private static func byNumbers(
        _ survey: ScoreSurvey, _ outputs: OutputKind, _ isFraction: Bool
    ) throws -> ScoreScale {
        let numbers = survey.numbers
        if isFraction { return .probabilities }
        if numbers.least < 0 {
            return outputs == .softmax && numbers.most <= 1e-6 && numbers.logarithms == survey.count
                ? .logProbabilities : .logits
        }
        if survey.hasWholeRows, arePercentages(survey) { return .percentages }
        throw DistillationError(
            "\(survey.request.name): the scores are from \(text(numbers.least)) to \(text(numbers.most)) and add up neither to 1 nor to "
                + "100, so that they may be logits, percentages or votes; name their key, or the beginning of their columns, logits, "
                + "probabilities or votes")
    }

    /// True where the numbers of every row add up to 100, or are confidences up to 100.
    private static func arePercentages(_ survey: ScoreSurvey) -> Bool {
        survey.hasWholeRows
            ? survey.numbers.hundreds == survey.count : survey.numbers.most > 2 && survey.numbers.most <= 100
    }

    static func text(_ number: Double) -> String { String(format: "%.6g", number) }

    /// What the numbers are, in words.
    var description: String {
        switch self {
        case .logits: "logits"
        case .probabilities: "probabilities"
        case .logProbabilities: "log-probabilities"
        case .percentages: "percentages"
        case .counts: "votes"
        }
    }
}

extension ScoreSurvey {
    /// True if each row holds all classes.
    var hasWholeRows: Bool {
        switch form {
        case .columns, .array, .votes: true
        case .tokens, .label: false
        case .list, .ranked, .object:
            form == .object && numbers.ones == count || names.count > 1 && numbers.fewest == names.count
        }
    }
}
