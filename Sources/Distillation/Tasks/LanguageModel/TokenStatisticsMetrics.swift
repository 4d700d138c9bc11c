import Foundation
import Torch

/// Metrics from what is kept of each predicted token: rows of `TokenStatistics.Column`'s numbers.
enum TokenStatisticsMetrics {
    typealias Column = TokenStatistics.Column

    /// The numbers of a row.
    static let width = Column.allCases.count

    /// One number of a row.
    static func value(_ column: Column, _ row: ArraySlice<Float>) -> Double {
        Double(row[row.startIndex + column.rawValue])
    }

    /// One number of every row.
    static func values(_ column: Column, _ rows: Logits) -> [Double] {
        (0..<rows.count).map { value(column, rows[$0]) }
    }

    static func mean(_ column: Column, _ rows: Logits) -> Double {
        values(column, rows).reduce(0, +) / Double(max(1, rows.count))
    }

    /// The metrics that need no teacher; the rows have one or more.
    static func labelMetrics(_ rows: Logits) -> MetricValues {
        var values = MetricValues()
        let loss = mean(.studentSurprisal, rows)
        values[.loss] = loss
        values[.perplexity] = exp(loss)
        values[.accuracy] = mean(.correctness, rows)
        values[.ece] =
            CalibrationError(
                confidences: self.values(.confidence, rows),
                isCorrect: self.values(.correctness, rows).map { $0 == 1 }
            ).value
        return values
    }

    /// The metrics of a student beside its teacher; none where the rows were computed without one.
    static func teacherMetrics(_ rows: Logits) -> MetricValues {
        var values = MetricValues()
        let divergences = self.values(.divergence, rows).sorted()
        guard let largest = divergences.last, !largest.isNaN, divergences.allSatisfy({ !$0.isNaN }) else {
            return values
        }
        func quantile(_ fraction: Double) -> Double {
            divergences[min(divergences.count - 1, Int(fraction * Double(divergences.count)))]
        }
        values[.kl] = mean(.divergence, rows)
        values[.klMedian] = quantile(0.5)
        values[.klHigh] = quantile(0.99)
        values[.agreement] = mean(.agreement, rows)
        values[.teacherEntropy] = mean(.teacherEntropy, rows)
        return values
    }

    /// A teacher's own rows from a student's, which were computed beside it: what there is of the teacher in them.
    static func ofTeacher(_ rows: Logits) -> Logits {
        var result: [Float] = []
        result.reserveCapacity(rows.values.count)
        for index in 0..<rows.count {
            var row = [Float](repeating: .nan, count: width)
            row[Column.studentSurprisal.rawValue] = Float(value(.teacherSurprisal, rows[index]))
            row[Column.studentEntropy.rawValue] = Float(value(.teacherEntropy, rows[index]))
            result += row
        }
        return Logits(values: result, classes: width)
    }
}
