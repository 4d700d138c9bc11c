import Torch
import Transformers

/// What inference computes for each row of a data set.
enum RowComputation {
    /// The logits of each class.
    case logits(classes: [String])
    /// The components of each text's vector.
    case vectors(width: Int)
    /// `TokenStatistics.Column`'s numbers of each predicted token, beside a teacher where there is one.
    case tokenStatistics(TeacherStates?)
    /// A language model's teacher as it is kept, from hidden states of so many dimensions.
    case states(TeacherStateCoding, width: Int)

    /// What a model of a task is evaluated by.
    static func evaluating(_ model: TransformerModel, beside teacher: TeacherStates?) -> RowComputation {
        let configuration = model.configuration
        if configuration.task.embedsTexts { return .vectors(width: configuration.outputCount) }
        return configuration.task.predictsTokens
            ? .tokenStatistics(teacher) : .logits(classes: configuration.labelNames)
    }

    /// What is kept of a teacher for training on its outputs.
    static func teaching(_ model: TransformerModel, as coding: TeacherStateCoding) -> RowComputation {
        let configuration = model.configuration
        if configuration.task.embedsTexts { return .vectors(width: configuration.outputCount) }
        return configuration.task.predictsTokens
            ? .states(coding, width: configuration.hiddenSize)
            : .logits(classes: configuration.labelNames)
    }

    /// The numbers of a row.
    var width: Int {
        switch self {
        case .logits(let classes): classes.count
        case .vectors(let width): width
        case .tokenStatistics: TokenStatisticsMetrics.width
        case .states(let coding, let width): coding.rowWidth(width)
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
        case .logits, .vectors: return try model(batch.input, options).logits
        case .tokenStatistics(let teacher):
            options.stopsBeforeHead = true
            let states = try model(batch.input, options).rows
            return try Self.statistics(model, states, batch, teacher)
        case .states(let coding, _):
            options.stopsBeforeHead = true
            return try coding.rows(of: model(batch.input, options).rows, head: model.languageModelHead)
        }
    }

    private static func statistics(
        _ model: TransformerModel, _ states: Tensor, _ batch: Batch, _ teacher: TeacherStates?
    ) throws -> Tensor {
        let distribution = try teacher?.distribution(of: batch.rows, device: model.device)
        let loss = try FusedLoss(
            student: .init(hidden: states, weight: try model.languageModelHead),
            teacher: distribution?.head, outcomes: distribution?.outcomes,
            targets: batch.batchLabels(device: model.device).targets, terms: [LossTerm(.crossEntropy)],
            statistics: true)
        guard let statistics = loss.statistics else { throw DistillationError("no statistics were computed") }
        return try statistics.table
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
