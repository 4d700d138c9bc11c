import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// A saved classifier, ready to answer.
///
/// ```swift
/// let predictor = try Predictor(model: URL(filePath: "student"))
/// let answer = try predictor.predict([TextInput("A film to remember.")])[0]
/// print(answer.label, answer.score)
/// ```
public final class Predictor {
    public let labels: [String]
    public let maxLength: Int
    let model: any SequenceClassifier
    let tokenizer: Tokenizer
    private let batchSize = 64

    /// - Parameters:
    ///   - directory: A model directory in Hugging Face format.
    ///   - maxLength: Longer inputs are cut to this many tokens.
    ///   - device: Where the model computes.
    ///   - precision: What it computes with.
    /// - Throws: ``DistillationError`` where the checkpoint has no trained classifier head.
    public init(
        model directory: URL, maxLength: Int = 128, device: Device = .cpu, precision: Precision = .float32
    ) throws {
        let loaded = try TrainedClassifier(directory, device: device)
        model = loaded.model
        model.precision = precision
        tokenizer = loaded.tokenizer
        labels = loaded.labels.names
        self.maxLength = loaded.maxLength(maxLength)
    }

    /// The most likely label of each input, with the softmax of all.
    public func predict(_ inputs: [TextInput]) throws -> [Prediction] {
        guard !inputs.isEmpty else { return [] }
        let encoded = try EncodedDataset(inputs, tokenizer: tokenizer, maxLength: maxLength)
        guard
            let logits = try Inference.logits(
                model, encoded, batchSize: batchSize)
        else { return [] }
        let probabilities: [Float] = try withNoGrad { try logits.tensor().softmax().array() }
        return zip(0..., logits.predictions).map { index, best in
            let row = probabilities[index * labels.count..<(index + 1) * labels.count]
            let scores = zip(labels, row).map { LabelScore(label: $0, value: Double($1)) }
            return Prediction(label: labels[best], score: scores[best].value, scores: scores)
        }
    }
}

/// A classifier's answer.
public struct Prediction: Sendable, Equatable, Codable {
    public var label: String
    /// The label's probability.
    public var score: Double
    /// All labels' probabilities, in the label map's order.
    public var scores: [LabelScore]
}
