import Datasets
import Distillation
import Foundation
import Torch
import Transformers

/// The request of `distill quantize`, which makes a trained model smaller and faster.
public struct QuantizeRequest: Sendable {
    public var model: URL
    public var output: URL
    public var overwrite = false
    public var method = QuantizationMethod()
    /// Labeled examples on which the model is evaluated before and after; nothing is evaluated without them.
    public var data: URL?
    /// Texts that calibrate static activations; ``data`` where `nil`.
    public var calibrationData: URL?
    /// The number of them, spread evenly over the file.
    public var calibrationExamples = 512
    /// The drop of the task's metric that is allowed, in points; `nil` quantizes every layer.
    public var accuracyDrop: Double?
    /// Texts that decide which tokens stay; empty keeps all.
    public var vocabularyData: [URL] = []
    /// The number of times a token must occur in them to stay.
    public var minimumTokenCount = 1
    /// The columns and format of the data files.
    public var columns = DataColumns()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
    public var batchSize = 64
    /// The facts of the model card that are not known here.
    public var card = ModelCardOptions()
    /// Single examples timed for the latency figures; 0 for none.
    public var latencySamples = 200
    public var cache = CacheOptions()

    public init(model: URL, output: URL) {
        self.model = model
        self.output = output
    }

    /// - Throws: `DistillationError` for options that are invalid, or that contradict each other.
    func validate() throws {
        try method.validate()
        try SettingLimits.require(batchSize, "batch_size")
        try SettingLimits.require(calibrationExamples, "calibration_examples")
        if let accuracyDrop {
            guard accuracyDrop >= 0, accuracyDrop <= 100 else {
                throw DistillationError(
                    "accuracy_drop must be from 0 to 100 points, got \(accuracyDrop)")
            }
            guard data != nil else {
                throw DistillationError(
                    "accuracy_drop needs labeled examples to measure it on; pass --data")
            }
            guard method.type == .int8 else {
                throw DistillationError(
                    "accuracy_drop chooses layers for int8; it does not go with --type \(method.type.rawValue)"
                )
            }
        }
        if method.activations == .fixed, data == nil, calibrationData == nil {
            throw DistillationError(
                "static activations need texts to calibrate on; pass --calibration-data, or --data")
        }
    }
}
