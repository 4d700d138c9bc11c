import Distillation
import Foundation
import Transformers

/// The record of `distill quantize`: saved as `quantization.json` beside the model.
public struct QuantizationReport: Sendable, Equatable, Codable {
    /// The model that was quantized.
    public var source: String
    public var output: String
    public var method: QuantizationMethod
    /// The calibration data, where activations are static.
    public var calibrationData: DataRecord?
    /// The number of examples that calibrated them.
    public var calibrationExamples: Int?
    /// The drop of the task's metric that was allowed, in points.
    public var accuracyDropLimit: Double?
    /// The drop that was measured, in points.
    public var accuracyDrop: Double?
    /// The data that the models were evaluated on.
    public var data: DataRecord?
    public var labels: [String]
    /// The model in floating point.
    public var before: ModelEvaluation
    /// The quantized model.
    public var after: ModelEvaluation
    /// The quantized model beside the one in floating point, on the data.
    public var comparison: Comparison?
    /// Every layer that could be quantized.
    public var layers: [Layer]
    /// Tokens that were dropped.
    public var vocabulary: Vocabulary?
    /// The tokens that texts are cut to, as in the model's training.
    public var maxLength: Int?
    /// The SHA-256 of every other file of the directory, by name.
    public var files: [String: String]
    public var versions: RunReport.Versions

    public struct Layer: Sendable, Equatable, Codable {
        public var name: String
        public var parameters: Int
        public var isQuantized: Bool
        /// KL(float ‖ this layer alone in int8), for regression the mean squared difference; `nil` where it was not measured.
        public var sensitivity: Double?
    }

    public struct Vocabulary: Sendable, Equatable, Codable {
        public var data: [String]
        /// The number of times a token had to occur in them to stay.
        public var minimumCount: Int
        public var tokensBefore: Int
        public var tokensAfter: Int
        /// The fraction of tokens that are `[UNK]`, on the data that decided what is kept.
        public var unknownRateBefore: Double
        public var unknownRateAfter: Double
        /// The same on the data that the models were evaluated on, where there are some.
        public var evaluationUnknownRateBefore: Double?
        public var evaluationUnknownRateAfter: Double?
        /// The fraction of those texts whose tokens changed.
        public var evaluationTextsChanged: Double?
    }

    /// Its file's name.
    public static let fileName = ChecksumManifest.fileName
}
