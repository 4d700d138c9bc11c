import Distillation
import Foundation
import Transformers

/// The request of `distill prune`, which cuts a model to a smaller shape without training it.
public struct PruneRequest: Sendable {
    /// The size that a search is for.
    public enum Target: Sendable, Equatable, Codable {
        /// At most so many parameters.
        case parameters(Int)
        /// At most this fraction of the model's parameters.
        case ratio(Double)
        /// At most so many milliseconds for a forward pass of a text alone.
        case latency(Double)
        /// At most this fraction of the time that the model takes.
        case latencyRatio(Double)

        /// The option that sets it.
        var option: String {
            switch self {
            case .parameters, .ratio: "--target-parameters"
            case .latency, .latencyRatio: "--target-latency"
            }
        }
    }

    /// A directory in Hugging Face format, or a GGUF file.
    public var model: URL
    public var output: URL
    /// Texts by which it is measured; labels are not needed.
    public var data: URL
    /// Texts that nothing is chosen by, on which the result is compared with the model; `nil` for a part of ``data``.
    public var validation: URL?
    /// The sizes to cut to. With a target, those that are given are kept to.
    public var sizes = PrunedSizes()
    /// The size for which a shape is searched; `nil` for none.
    public var target: Target?
    /// The layers that stay; `nil` to leave them out one after another, by trying.
    public var layers: TeacherLayers?
    /// False to take rows and columns as they are.
    public var corrects = true
    /// About as many tokens are read to measure importance.
    public var calibrationTokens = 16_384
    /// About as many tokens are read for each model that is tried.
    public var trialTokens = 2048
    /// The columns of the data files.
    public var columns = DataColumns()
    /// Longer texts are cut to so many tokens; `nil` for the model's own length.
    public var maxLength: Int?
    public var batchSize = 16
    public var overwrite = false
    public var cache = CacheOptions()

    public init(model: URL, data: URL, output: URL) {
        (self.model, self.data, self.output) = (model, data, output)
    }

    /// - Throws: `DistillationError` for options that are invalid, or leave nothing to do.
    func validate() throws {
        try SettingLimits.require(batchSize, "batch_size")
        try SettingLimits.require(calibrationTokens, "calibration_tokens", to: 100_000_000)
        try SettingLimits.require(trialTokens, "trial_tokens", to: 100_000_000)
        switch target {
        case .parameters(let count):
            guard count > 0 else {
                throw DistillationError("--target-parameters must be above 0, got \(count)")
            }
        case .ratio(let ratio):
            guard ratio > 0, ratio < 1 else {
                throw DistillationError(
                    "--target-parameters \(ratio): a fraction of the model's parameters is between 0 and 1")
            }
        case .latency(let milliseconds):
            guard milliseconds > 0, milliseconds.isFinite else {
                throw DistillationError("--target-latency must be above 0 ms, got \(milliseconds)")
            }
        case .latencyRatio(let ratio):
            guard ratio > 0, ratio < 1 else {
                throw DistillationError(
                    "--target-latency \(ratio): a fraction of the model's time is between 0 and 1; a time is written as 12ms"
                )
            }
        case nil:
            guard sizes != PrunedSizes() || layers?.count != nil else {
                throw DistillationError(
                    "nothing to prune: give --layers, --intermediate-size, --key-value-heads or --hidden-size, or "
                        + "--target-parameters or --target-latency for a search")
            }
        }
        if case .choice(let choice)? = layers, target == nil, sizes.layers == nil {
            throw DistillationError(
                "--keep-layers \(choice.rawValue) chooses among layers, but none is to go; give --layers, or a search's --target-parameters "
                    + "or --target-latency, or leave it out")
        }
        if let target, layers?.count != nil {
            throw DistillationError(
                "--keep-layers names the layers, and \(target.option) searches for their number; leave one of both out"
            )
        }
    }
}

extension TeacherLayers {
    /// The number of layers that are named; `nil` for a rule.
    var count: Int? { if case .numbers(let numbers) = self { numbers.count } else { nil } }
}
