import Datasets
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// The model and the data of a fine-tuning run.
struct FineTuningSetup {
    let model: TransformerModel
    let data: RunData
    /// Where the tokenizer's files are.
    let files: TokenizerFiles
    /// How the texts of a language model are made; `nil` for another model.
    let languageModelText: LanguageModelText?

    /// Reads both, and reports what the user may want to know about them.
    ///
    /// - Throws: ``DistillationError`` for a quantized model; whatever is wrong with the files.
    init(_ request: FineTuneRequest, log: RunLog, processes: Processes? = nil) throws {
        let seed = request.training.seed
        // Files that are quick to read come first, so that their errors do.
        let configuration = try TokenizerFiles.configuration(of: request.model)
        files = try TokenizerFiles(of: request.model)
        let directory = files.directory
        let tokenizer = try Tokenizer.load(for: configuration, in: directory)
        for warning in configuration.warnings + tokenizer.warnings(for: configuration, in: request.model.path)
        {
            log.warnOnce(warning)
        }
        let maxLength = TextLength.tokens(
            of: configuration, wanted: request.data.maxLength, in: request.model, tokenizer: tokenizer)
        let text = try LanguageModelText.of(
            configuration, in: directory, tokenizer, request.data.columns, maxLength: maxLength)
        languageModelText = text
        data = try log.phase("Reading and tokenizing data") {
            try processes.firstOfMachineFirst {
                try RunData(
                    request.data, labels: nil,
                    problemType: text != nil || configuration.task.ranksDocuments ? configuration.task : nil,
                    loader: request.cache.loader(
                        request.data.columns.options, tokenizer: tokenizer, directory: directory,
                        maxLength: maxLength, languageModel: text, log: log),
                    seed: seed)
            }
        }
        guard text != nil || data.train.labeledCount > 0 else {
            throw DistillationError(
                "\(data.trainRecord.path): no training text has a label to learn from; give data with labels, or name their column with "
                    + "--label-column")
        }
        let data = data
        let lora = request.training.lora
        let dropout = lora.flatMap(\.hook)
        model = try log.phase("Loading the model") {
            let (model, report) = try AutoModel.load(
                from: request.model, labelNames: text == nil ? data.labels.names : nil,
                task: data.problemType, scoreActivation: request.scoreActivation,
                ignoreMismatchedSizes: request.ignoreMismatchedSizes, seed: seed, device: request.device,
                instrument: dropout)
            guard !model.parameters.isQuantized else {
                throw DistillationError(
                    "\(request.model.path): is quantized, and int8 weights cannot be trained; fine-tune the model in floating "
                        + "point that it was made from")
            }
            if !report.newlyInitialized.isEmpty { log.send(.note(report.description)) }
            if let lora { try model.adapt(lora, seed: seed, dropout: dropout) }
            if let note = model.adapterNote { log.send(.note(note)) }
            return model
        }
        if let note = TextLength.positionsNote(request.data.maxLength, configuration) {
            log.send(.note(note))
        }
        log.send(.note(data.labelNote))
        for note in data.wordNotes { log.send(.note(note)) }
        for warning in data.labelWarnings(areInferred: true) { log.warnOnce(warning) }
    }

    /// The plan of training on the labels alone.
    func plan(_ request: FineTuneRequest, _ processes: Processes? = nil) -> TrainingPlan {
        TrainingPlan(
            model: model,
            stages: [TrainingStage(objectives: [request.training.labelObjective(data.problemType)])],
            registry: .standard, train: data.train, validation: data.validation, arguments: request.training,
            precision: request.precision.resolved(on: request.device), processes: processes)
    }
}
