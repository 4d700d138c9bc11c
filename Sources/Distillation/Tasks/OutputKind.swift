import Foundation

/// The kind of a row of outputs, which decides its normalization and how two rows are compared.
public enum OutputKind: Sendable {
    /// One distribution over the columns.
    case softmax
    /// A decision by each column.
    case sigmoid
    /// Numbers.
    case real
    /// What is kept of a distribution over a vocabulary: `TokenStatistics.Column`'s numbers, those that compare with a teacher
    /// among them.
    case tokens
    /// A vector, of which its direction matters.
    case vector
}

extension OutputKind {
    /// The entropy of a row of logits, in nats; of decisions their mean. `nil` for numbers.
    func entropy(_ row: ArraySlice<Float>) -> Double? {
        switch self {
        case .softmax:
            Logits.softmax(of: row.map(Double.init)).reduce(0.0) { $0 - ($1 > 0 ? $1 * log($1) : 0) }
        case .sigmoid: row.reduce(0.0) { $0 + bernoulliEntropy(Double($1)) } / Double(row.count)
        case .real, .vector: nil
        case .tokens: TokenStatisticsMetrics.value(.studentEntropy, row)
        }
    }

    /// Returns the distance of a student's row from a teacher's: the KL divergence at temperature 1, of
    /// decisions their sum; of numbers the distance of the first.
    func difference(student: ArraySlice<Float>, teacher: ArraySlice<Float>) -> Double {
        switch self {
        case .softmax:
            zip(Logits.logSoftmax(of: teacher), Logits.logSoftmax(of: student)).reduce(0) { sum, pair in
                sum + exp(pair.0) * (pair.0 - pair.1)
            }
        case .sigmoid:
            zip(teacher, student).reduce(0) {
                $0 + bernoulliKL(teacher: Double($1.0), student: Double($1.1))
            }
        case .real: abs(Double(teacher.first ?? 0) - Double(student.first ?? 0))
        case .tokens: TokenStatisticsMetrics.value(.divergence, student)
        case .vector: 1 - VectorMetrics.cosine(student, teacher)
        }
    }

    /// The probabilities of a row; numbers as they are.
    func probabilities(_ row: [Double]) -> [Double] {
        switch self {
        case .softmax: Logits.softmax(of: row)
        case .sigmoid: row.map { 1 / (1 + exp(-$0)) }
        case .real, .tokens, .vector: row
        }
    }

    /// Logits that have these probabilities; numbers as they are.
    func logits(_ probabilities: [Double]) -> [Double] {
        let least = Double(Float.leastNormalMagnitude)
        return switch self {
        case .softmax: probabilities.map { log(max($0, least)) }
        case .sigmoid: probabilities.map { log(max($0, least)) - log(max(1 - $0, least)) }
        case .real, .tokens, .vector: probabilities
        }
    }

    /// The metrics that compare a student with its teacher, labels or none.
    var teacherMetrics: [MetricName] {
        switch self {
        case .softmax, .sigmoid: [.kl, .agreement, .teacherEntropy]
        case .real, .vector: [.agreement, .teacherMSE]
        case .tokens: [.kl, .klMedian, .klHigh, .agreement, .teacherEntropy]
        }
    }

    /// Compares a student's outputs with its teacher's, with or without labels: ``teacherMetrics``.
    ///
    /// - Throws: ``DistillationError`` where they are not of the same rows and columns.
    package func compare(student: Logits, teacher: Logits) throws -> MetricValues {
        // Vectors of two widths have no angle between them.
        if self == .vector, student.classes != teacher.classes { return MetricValues() }
        guard (student.count, student.classes) == (teacher.count, teacher.classes) else {
            throw DistillationError(
                "the student's logits are \(student.count) × \(student.classes), the teacher's \(teacher.count) × "
                    + "\(teacher.classes); they must be of the same examples and classes")
        }
        var values = MetricValues()
        guard student.count > 0 else { return values }
        switch self {
        case .softmax:
            values[.kl] = try Evaluator.kl(student: student, teacher: teacher)
            values[.agreement] = Evaluator.agreement(student, teacher)
        case .sigmoid:
            let pairs = zip(student.values, teacher.values)
            values[.kl] =
                pairs.reduce(0.0) { $0 + bernoulliKL(teacher: Double($1.1), student: Double($1.0)) }
                / Double(student.count)
            values[.agreement] = Double(pairs.count { ($0 > 0) == ($1 > 0) }) / Double(student.values.count)
        case .real:
            let metrics = RegressionMetrics(
                predictions: student.values.map(Double.init), labels: teacher.values.map(Double.init))
            values[.agreement] = metrics.pearson
            values[.teacherMSE] = metrics.meanSquaredError
        case .tokens: return TokenStatisticsMetrics.teacherMetrics(student)
        case .vector: return VectorMetrics.teacherMetrics(student: student, teacher: teacher)
        }
        values[.teacherEntropy] = teacher.meanEntropy(self)
        return values
    }
}
