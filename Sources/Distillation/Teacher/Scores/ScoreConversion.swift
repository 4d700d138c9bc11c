import Datasets
import Foundation
import Transformers

/// Turns a row of scores into logits: those that it holds, or the logarithms of its probabilities, which are logits up to a number
/// that no softmax sees.
struct ScoreConversion {
    /// What was done to rows so that they are distributions, counted.
    struct Counts: Sendable, Equatable {
        /// Rows without some of the classes, which have what is left of the probability in equal parts.
        var truncated = 0
        /// The sum of what was left.
        var rest = 0.0
        /// Probabilities below ``floor``, in so many rows.
        var (floored, flooredRows) = (0, 0)
        /// Rows that did not add up to 1.
        var scaled = 0
        /// Tokens that are no labels.
        var tokens = 0
    }

    let labels: ScoreLabels
    let scale: ScoreScale
    let form: ScoreForm
    let outputs: OutputKind
    private(set) var counts = Counts()

    /// The least probability: of what a file says is impossible.
    static let floor = 1e-6

    init(_ survey: ScoreSurvey, labels: LabelMap, outputs: OutputKind) throws {
        scale = try ScoreScale(survey, for: outputs)
        self.labels = ScoreLabels(labels)
        (form, self.outputs) = (survey.form, outputs)
    }

    /// The logits of a row in the labels' order.
    ///
    /// - Throws: ``ScoreProblem`` for a row that is no distribution, or lacks scores.
    mutating func logits(_ values: ScoreRow.Values) throws -> [Float] {
        var row = [Double?](repeating: nil, count: labels.map.count)
        switch values {
        case .positional(let numbers): for (index, number) in numbers.enumerated() { row[index] = number }
        case .named(let entries):
            for entry in entries {
                guard let id = labels.id(of: entry.name) else {
                    counts.tokens += 1
                    continue
                }
                row[id] = entry.value
            }
        }
        let missing = row.indices.filter { row[$0] == nil }
        if scale == .logits || outputs == .sigmoid, let first = missing.first {
            let what = scale == .logits ? "logits" : "scores of labels that do not exclude one another"
            throw ScoreProblem(
                "there is no score of '\(DatasetError.shown(labels.map.names[first]))'; \(what) are needed for every label"
            )
        }
        guard missing.count < row.count else {
            throw ScoreProblem(
                "none of the tokens is a label; the labels are \(DatasetError.list(labels.map.names))")
        }
        if scale == .logits { return try row.map { try Self.float($0 ?? 0) } }
        let probabilities = try row.map { try $0.map(probability) }
        return try outputs == .sigmoid
            ? decisions(probabilities.map { $0 ?? 0 }) : distribution(probabilities, missing.count)
    }

    private static func float(_ number: Double) throws -> Float {
        let value = Float(number)
        guard value.isFinite else { throw ScoreProblem("\(number) is too large for float32") }
        return value
    }

    private func probability(_ number: Double) throws -> Double {
        let value =
            switch scale {
            case .logProbabilities: exp(number)
            case .percentages: number / 100
            case .logits, .probabilities, .counts: number
            }
        guard value >= -ScoreScale.slack, value <= 1 + 1e-3 || scale == .counts else {
            throw ScoreProblem("\(ScoreScale.text(number)) is no probability")
        }
        return max(0, value)
    }

    /// The logarithms of one distribution.
    private mutating func distribution(_ row: [Double?], _ missing: Int) throws -> [Float] {
        var sum = row.reduce(0) { $0 + ($1 ?? 0) }
        guard sum > 0 else { throw ScoreProblem("the scores are all 0") }
        var values = row.map { $0 ?? 0 }
        if missing > 0, scale != .counts {
            guard sum <= 1 + ScoreSurvey.tolerance else {
                throw ScoreProblem(
                    "the scores add up to \(ScoreScale.text(sum)) without all labels; probabilities add up to 1 at most"
                )
            }
            let rest = max(0, 1 - sum)
            counts.truncated += 1
            counts.rest += rest
            for index in row.indices where row[index] == nil { values[index] = rest / Double(missing) }
            sum = sum + rest
        } else if scale != .counts, abs(sum - 1) > ScoreSurvey.tolerance, form != .tokens {
            counts.scaled += 1
        }
        values = values.map { $0 / sum }
        let low = values.count { $0 < Self.floor }
        if low > 0 {
            counts.floored += low
            counts.flooredRows += 1
            values = values.map { max($0, Self.floor) }
            let total = values.reduce(0, +)
            values = values.map { $0 / total }
        }
        return values.map { Float(log($0)) }
    }

    /// The logits of decisions.
    private mutating func decisions(_ row: [Double]) -> [Float] {
        let low = row.count { $0 < Self.floor || $0 > 1 - Self.floor }
        if low > 0 {
            counts.floored += low
            counts.flooredRows += 1
        }
        return row.map { value in
            let kept = min(max(value, Self.floor), 1 - Self.floor)
            return Float(log(kept) - log1p(-kept))
        }
    }
}

/// What is wrong with a row of scores, as the end of a sentence that names its file and line.
struct ScoreProblem: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
