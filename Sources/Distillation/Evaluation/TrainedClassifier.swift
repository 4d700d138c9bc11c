import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// A trained classifier with its tokenizer and labels, read from a model directory: frozen, and given no
/// gradient. Teachers and finished students are both read this way.
public final class TrainedClassifier {
    public let directory: URL
    public let model: any SequenceClassifier
    public let tokenizer: Tokenizer
    public let labels: LabelMap

    /// - Throws: ``DistillationError`` where the checkpoint lacks weights, above all a classifier head: its
    ///   answers, and whatever learnt from it, would be noise.
    public init(_ directory: URL, device: Device = .cpu) throws {
        let (model, report) = try AutoModel.load(from: directory, device: device, isMapped: true)
        guard report.newlyInitialized.isEmpty else {
            let missing = report.newlyInitialized.prefix(4).joined(separator: ", ")
            throw DistillationError(
                "\(directory.path): the checkpoint has no trained "
                    + (report.headIsNew ? "classifier head" : "weights")
                    + " (\(missing) would start at random), "
                    + "so its answers would be noise; run `distill finetune --model \(directory.path)` first")
        }
        try model.parameters.freeze()
        self.directory = directory
        self.model = model
        tokenizer = try Tokenizer.load(directory: directory)
        labels = try LabelMap(names: model.configuration.labelNames)
        guard tokenizer.vocabularySize <= model.configuration.vocabSize else {
            throw DistillationError(
                "\(directory.path): the tokenizer has \(tokenizer.vocabularySize) tokens, the model's vocab_size is "
                    + "\(model.configuration.vocabSize); use the tokenizer that belongs to this model")
        }
    }

    /// The wanted maximum length, as far as the model has positions.
    func maxLength(_ wanted: Int) -> Int { min(wanted, model.configuration.maxLength) }
}
