import Datasets
import Foundation
import Transformers

/// The texts of a pruning, as the model reads them.
package struct PruningMaterial {
    /// The texts that importance is measured on.
    package let calibration: CalibrationTexts
    /// Those that shapes are tried on: a part of the same.
    package let trial: CalibrationTexts
    /// Texts that nothing was chosen by; `nil` where there are none.
    package let validation: CalibrationTexts?
    /// The files.
    package let record: DataRecord
    package let validationRecord: DataRecord?

    /// Budgets of tokens.
    package struct Budgets {
        var calibration: Int
        var trial: Int

        package init(calibration: Int, trial: Int) { (self.calibration, self.trial) = (calibration, trial) }
    }

    /// - Parameters:
    ///   - model: The model that is pruned.
    ///   - data: The texts; labels are not needed.
    ///   - validation: Texts that nothing is chosen by.
    ///   - columns: The columns of the files.
    ///   - maxLength: Longer texts are cut to so many tokens; `nil` for the model's own.
    ///   - cache: Where tokens are kept.
    ///   - budgets: How many tokens are read.
    ///   - log: Hears of what is done.
    /// - Throws: `DatasetError` and others, which name file and line; ``DistillationError`` for files without texts.
    package init(
        _ model: LoadedModel, data: URL, validation: URL?, columns: DataColumns, maxLength: Int?,
        cache: CacheOptions, budgets: Budgets, log: RunLog
    ) throws {
        let length = model.maxLength(maxLength)
        var loader = try cache.loader(
            columns.options, tokenizer: model.tokenizer, directory: model.tokenizerDirectory,
            maxLength: length,
            languageModel: model.languageModelText(columns, maxLength: length), prompt: model.prompt, log: log
        )
        loader.isForTraining = false
        let task = model.model.configuration.task
        func load(_ file: URL) throws -> LoadedData {
            let loaded = try loader.load(
                file, labels: task.predictsTokens ? .ignored : .given(model.labels), problemType: task,
                allowsUnlabeled: true)
            guard loaded.dataset.count > 0, loaded.dataset.rowCount > 0 else {
                throw DistillationError("\(file.path): has no texts to measure a model on; give another file")
            }
            return loaded
        }
        let own = try load(data)
        let other = try validation.map(load)
        calibration = try CalibrationTexts(own.dataset, tokens: budgets.calibration)
        trial = try CalibrationTexts(own.dataset, tokens: budgets.trial)
        self.validation = try other.map { try CalibrationTexts($0.dataset, tokens: budgets.calibration) }
        (record, validationRecord) = (own.record, other?.record)
    }
}
