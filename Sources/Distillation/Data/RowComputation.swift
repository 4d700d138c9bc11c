import Torch
import Transformers

/// What inference computes for each row of a data set.
enum RowComputation {
    /// The logits of each class.
    case logits(classes: [String])
    /// `TokenStatistics.Column`'s numbers of each predicted token, beside a teacher where there is one.
    case tokenStatistics(TeacherStates?)
    /// The hidden states that a language model's output layer reads.
    case hiddenStates(HiddenStateCoding, width: Int)

    /// What a model of a task is evaluated by.
    static func evaluating(_ model: TransformerModel, beside teacher: TeacherStates?) -> RowComputation {
        model.configuration.task.predictsTokens
            ? .tokenStatistics(teacher) : .logits(classes: model.configuration.labelNames)
    }

    /// What is kept of a teacher for training on its outputs.
    static func teaching(_ model: TransformerModel, as coding: HiddenStateCoding) -> RowComputation {
        let configuration = model.configuration
        return configuration.task.predictsTokens
            ? .hiddenStates(coding, width: configuration.hiddenSize)
            : .logits(classes: configuration.labelNames)
    }

    /// The numbers of a row.
    var width: Int {
        switch self {
        case .logits(let classes): classes.count
        case .tokenStatistics: TokenStatisticsMetrics.width
        case .hiddenStates(let coding, let width): coding.rowWidth(width)
        }
    }

    /// All rows before any is computed.
    func emptyRows(_ dataset: EncodedDataset) -> [Float] {
        if case .logits(let classes) = self { return dataset.emptyRows(classes) }
        return [Float](repeating: 0, count: dataset.rowCount * width)
    }

    /// Returns true where every number must be finite: statistics that need a teacher are not without one.
    var mustBeFinite: Bool {
        if case .tokenStatistics = self { return false }
        return true
    }

    /// Computes the rows of a batch: (rows, width).
    func callAsFunction(_ model: TransformerModel, _ batch: Batch, _ precision: Precision) throws -> Tensor {
        var options = ForwardOptions(precision: precision)
        switch self {
        case .logits: return try model(batch.input, options).logits
        case .tokenStatistics(let teacher):
            options.stopsBeforeHead = true
            let states = try model(batch.input, options).rows
            return try Self.statistics(model, states, batch, teacher)
        case .hiddenStates(let coding, _):
            options.stopsBeforeHead = true
            return try coding.rows(of: model(batch.input, options).rows, head: model.languageModelHead)
        }
    }

    private static func statistics(
        _ model: TransformerModel, _ states: Tensor, _ batch: Batch, _ teacher: TeacherStates?
    ) throws -> Tensor {
        let loss = try FusedLoss(
            student: .init(hidden: states, weight: try model.languageModelHead),
            teacher: try teacher?.head(of: batch.rows, device: model.device),
            targets: batch.batchLabels(device: model.device).targets, terms: [LossTerm(.crossEntropy)],
            statistics: true)
        guard let statistics = loss.statistics else { throw DistillationError("no statistics were computed") }
        return try statistics.table
    }
}

/// A teacher's last hidden states for the rows of a data set, with its output layer: its whole distribution over the vocabulary.
struct TeacherStates {
    /// Rows as ``HiddenStateCoding`` makes them.
    let states: any TeacherOutputs
    /// (V, H)
    let weight: Tensor

    /// The teacher's own statistics for the rows of a data set.
    func statistics(_ dataset: EncodedDataset, batchSize: Int) throws -> Logits {
        var values: [Float] = []
        values.reserveCapacity(dataset.rowCount * TokenStatisticsMetrics.width)
        for start in stride(from: 0, to: dataset.count, by: batchSize) {
            let indices = Array(start..<min(start + batchSize, dataset.count))
            let own = try head(of: dataset.rows(of: indices), device: weight.device)
            let targets = try dataset.targets(of: indices).batchLabels(device: weight.device).targets
            let statistics = try withNoGrad {
                try FusedLoss(
                    student: .init(hidden: own.hidden, weight: weight.to(.float32)), targets: targets,
                    terms: [LossTerm(.crossEntropy)], statistics: true
                ).statistics?.table
            }
            values += try statistics?.array() ?? []
        }
        return Logits(values: values, classes: TokenStatisticsMetrics.width)
    }

    /// The states of some rows with the output layer.
    func head(of rows: [Int], device: Device) throws -> FusedLoss.Head {
        let width = try weight.size(1)
        var values: [Float] = []
        values.reserveCapacity(rows.count * states.classes)
        for row in rows {
            try states.appendRow(row, to: &values)
            // Behind the state stands its certificate.
            values.removeLast(states.classes - width)
        }
        return .init(
            hidden: try Tensor(values, shape: [rows.count, width], device: device), weight: weight)
    }
}

extension TransformerModel {
    /// (V, H) The output layer of a language model.
    ///
    /// - Throws: ``DistillationError`` for another model.
    var languageModelHead: Tensor {
        get throws {
            guard let outputWeight else {
                throw DistillationError("\(configuration.source): is no language model; it has classes")
            }
            return outputWeight
        }
    }
}
