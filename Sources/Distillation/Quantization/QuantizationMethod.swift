import Foundation
import Torch
import Transformers

/// The type that `distill quantize` converts weights to.
public enum QuantizedType: String, CaseIterable, Sendable, Codable {
    case int8, float16, bfloat16
}

/// The way the range of a layer's input is found from calibration data.
public enum CalibrationMethod: String, CaseIterable, Sendable, Codable {
    /// From the smallest to the largest value seen.
    case minMax = "min-max"
    /// The range that contains all but a small fraction of the values, half of it cut at each end.
    case percentile
    /// The range whose rounding loses least of the values' distribution, by KL divergence (Migacz, "8-bit inference with
    /// TensorRT", GTC 2017).
    case entropy
}

/// The method of quantizing a model after training.
public struct QuantizationMethod: Sendable, Equatable, Codable {
    public var type = QuantizedType.int8
    public var activations = QuantizationConfiguration.Activations.perToken
    /// The calibration, where activations are static.
    public var calibration = CalibrationMethod.minMax
    /// The percentage of values that ``CalibrationMethod/percentile`` keeps.
    public var percentile = 99.99
    /// True if embedding tables are quantized too.
    public var embeddings = true
    /// Layers that stay in floating point, by their full names or the beginnings of them.
    public var keep: [String] = []

    /// Matrices of fewer elements stay in floating point: they save too little for the error they add.
    public var smallestMatrix = 16_384

    public init() {}

    /// - Throws: ``DistillationError`` for a percentile that is none.
    package func validate() throws {
        guard percentile > 50, percentile <= 100 else {
            throw DistillationError("percentile must be above 50 and at most 100, got \(percentile)")
        }
    }

    /// Layers of a model that stay in floating point for their size, by their full names.
    package func smallLayers(of model: TransformerModel) -> Set<String> {
        Set(
            model.parameters.entries.filter {
                $0.tensor.rank == 2 && $0.tensor.count < smallestMatrix && $0.name.hasSuffix(".weight")
            }.map { String($0.name.dropLast(".weight".count)) })
    }

    package func keeps(_ layer: String) -> Bool {
        keep.contains { layer == $0 || layer.hasPrefix($0 + ".") }
    }
}
