import Foundation
import Torch
import Transformers

/// A language model's teacher for the rows of a data set, as ``TeacherStateCoding`` keeps it, with its output layer.
struct TeacherStates {
    /// Rows as ``TeacherStateCoding`` makes them.
    let states: any TeacherOutputs
    let coding: TeacherStateCoding
    /// (V, H)
    let weight: Tensor

    /// The teacher's own statistics for the rows of a data set.
    func statistics(_ dataset: EncodedDataset, batchSize: Int) throws -> Logits {
        var values: [Float] = []
        values.reserveCapacity(dataset.rowCount * TokenStatisticsMetrics.width)
        for start in stride(from: 0, to: dataset.count, by: batchSize) {
            let indices = Array(start..<min(start + batchSize, dataset.count))
            let (rows, targets) = (dataset.rows(of: indices), dataset.targets(of: indices))
            guard coding.keepsHiddenStates else {
                for (row, target) in zip(rows, targets.classes) {
                    values += try outcomeStatistics(row, target)
                }
                continue
            }
            guard let own = try distribution(of: rows, device: weight.device).head else { continue }
            let statistics = try withNoGrad {
                try FusedLoss(
                    student: .init(hidden: own.hidden, weight: weight.to(.float32)),
                    targets: targets.batchLabels(device: weight.device).targets,
                    terms: [LossTerm(.crossEntropy)], statistics: true
                ).statistics?.table
            }
            values += try statistics?.array() ?? []
        }
        return Logits(values: values, classes: TokenStatisticsMetrics.width)
    }

    /// What the outcomes of a row tell: a token that is not among them has the mass of all those.
    private func outcomeStatistics(_ index: Int, _ target: Int) throws -> [Float] {
        var row: [Float] = []
        try states.appendRow(index, to: &row)
        let kept = row.count / 2
        let outcomes = (0..<kept).filter { row[$0] >= 0 }.map { (token: Int(row[$0]), log: row[kept + $0]) }
        let all = outcomes.map(\.log) + [row[2 * kept]]
        let top = outcomes.max { $0.log < $1.log }
        var result = [Float](repeating: .nan, count: TokenStatisticsMetrics.width)
        typealias Column = TokenStatistics.Column
        result[Column.studentSurprisal.rawValue] =
            -(outcomes.first { $0.token == target }?.log ?? row[2 * kept])
        result[Column.studentEntropy.rawValue] = -all.reduce(0) { $0 + exp($1) * $1 }
        result[Column.correctness.rawValue] = top?.token == target ? 1 : 0
        result[Column.confidence.rawValue] = exp(top?.log ?? 0)
        return result
    }

    /// (rows, width) Some rows as a loss reads them.
    func tensor(of rows: [Int], device: Device) throws -> Tensor { try states.tensor(rows, device: device) }

    /// Some rows' distributions.
    func distribution(of rows: [Int], device: Device) throws -> TeacherDistribution {
        try distribution(in: tensor(of: rows, device: device))
    }

    /// The distributions of rows: (R, width).
    func distribution(in rows: Tensor) throws -> TeacherDistribution {
        guard coding.keepsHiddenStates else { return .outcomes(rows) }
        let states = try TeacherStateCoding.states(in: rows, coding, width: weight.size(1))
        return .head(.init(hidden: states, weight: weight))
    }
}

/// A language model's teacher in a loss.
enum TeacherDistribution {
    /// Its whole distribution, by its last hidden states and its output layer.
    case head(FusedLoss.Head)
    /// (R, 2 k + 1) Its most probable tokens, and the rest as one.
    case outcomes(Tensor)

    var head: FusedLoss.Head? { if case .head(let head) = self { head } else { nil } }
    var outcomes: Tensor? { if case .outcomes(let rows) = self { rows } else { nil } }
}
