import Foundation
import Torch
import Transformers

/// Running sums over training examples, for the metrics besides the loss.
public struct TrainingStatistics: Sendable, Equatable, Codable {
    /// Sums over examples, by name.
    private var sums: [MetricName: Double] = [:]
    private var counts: [MetricName: Int] = [:]
    private var calibration = CalibrationHistogram()

    public init() {}

    private mutating func add(_ name: MetricName, _ value: Double) {
        sums[name, default: 0] += value
        counts[name, default: 0] += 1
    }

    /// Adds a batch of single-label classification: logits row after row.
    mutating func add(student: Logits, teacher: Logits?, classes labels: [Int]) {
        let (predictions, theirs) = (student.predictions, teacher?.predictions)
        for row in 0..<student.count {
            let own = student.logSoftmax(row)
            add(.entropy, -own.reduce(0) { $0 + exp($1) * $1 })
            if let teacher, let theirs {
                let other = teacher.logSoftmax(row)
                add(.teacherEntropy, -other.reduce(0) { $0 + exp($1) * $1 })
                add(.kl, zip(own, other).reduce(0) { $0 + exp($1.1) * ($1.1 - $1.0) })
                add(.agreement, predictions[row] == theirs[row] ? 1 : 0)
            }
            guard labels.indices.contains(row), labels[row] != BatchLabels.unlabelled else { continue }
            let isRight = predictions[row] == labels[row]
            add(.accuracy, isRight ? 1 : 0)
            calibration.add(exp(own.max() ?? 0), isRight: isRight)
        }
    }

    /// Adds a batch of multi-label classification.
    mutating func add(student: Logits, teacher: Logits?, sets: [[Int]?]) {
        for row in 0..<student.count {
            func entropy(_ logits: ArraySlice<Float>) -> Double {
                logits.reduce(0) { $0 + bernoulliEntropy(Double($1)) } / Double(logits.count)
            }
            add(.entropy, entropy(student[row]))
            if let teacher {
                add(.teacherEntropy, entropy(teacher[row]))
                add(
                    .kl,
                    zip(student[row], teacher[row]).reduce(0) {
                        $0 + bernoulliKL(teacher: Double($1.1), student: Double($1.0))
                    })
                let equal = zip(student[row], teacher[row]).count { ($0 > 0) == ($1 > 0) }
                add(.agreement, Double(equal) / Double(student.classes))
            }
            guard let set = sets.indices.contains(row) ? sets[row] : nil else { continue }
            let chosen = student[row].enumerated().filter { $0.element > 0 }.map(\.offset)
            add(.accuracy, chosen == set.sorted() ? 1 : 0)
        }
    }

    /// Adds a batch of regression.
    mutating func add(student: Logits, teacher: Logits?, values: [Float]) {
        for row in 0..<student.count {
            guard let own = student[row].first else { continue }
            if let other = teacher?[row].first { add(.teacherMSE, Double((own - other) * (own - other))) }
            guard values.indices.contains(row), !values[row].isNaN else { continue }
            add(.mse, Double((own - values[row]) * (own - values[row])))
        }
    }

    /// Adds a batch of a language model: rows of `TokenStatistics.Column`'s numbers.
    mutating func add(tokens rows: Logits) {
        for row in 0..<rows.count {
            func value(_ column: TokenStatistics.Column) -> Double {
                TokenStatisticsMetrics.value(column, rows[row])
            }
            add(.entropy, value(.studentEntropy))
            add(.accuracy, value(.correctness))
            calibration.add(value(.confidence), isRight: value(.correctness) == 1)
            guard !value(.divergence).isNaN else { continue }
            add(.teacherEntropy, value(.teacherEntropy))
            add(.kl, value(.divergence))
            add(.agreement, value(.agreement))
        }
    }

    /// Adds a batch of texts' vectors.
    mutating func add(vectors student: Logits, teacher: Logits?) {
        guard let teacher, teacher.classes == student.classes else { return }
        for row in 0..<student.count {
            add(.agreement, VectorMetrics.cosine(student[row], teacher[row]))
            add(.teacherMSE, VectorMetrics.squaredDifference(student[row], teacher[row]))
        }
    }

    mutating func merge(_ other: TrainingStatistics) {
        sums.merge(other.sums, uniquingKeysWith: +)
        counts.merge(other.counts, uniquingKeysWith: +)
        calibration.merge(other.calibration)
    }

    /// Means over the examples, and the expected calibration error (Guo et al., arXiv 1706.04599, with 15 bins).
    var values: MetricValues {
        var values = MetricValues()
        for (name, sum) in sums { values[name] = sum / Double(max(1, counts[name] ?? 1)) }
        values[.ece] = calibration.expectedError
        return values
    }
}
