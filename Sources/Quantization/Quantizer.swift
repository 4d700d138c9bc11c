import Distillation
import Foundation
import Torch
import Transformers

/// Makes int8 models of one in floating point: the layers, their weights in int8, and models with any choice of them.
final class Quantizer {
    /// A weight that can be int8.
    struct Layer: Sendable, Equatable {
        let name: String
        let isTable: Bool
        let elements: Int
        let rows: Int

        /// The bytes that int8 saves of float32: a scale for each row is added.
        var savedBytes: Int { elements * 3 - rows * 4 }
    }

    let model: TransformerModel
    let method: QuantizationMethod
    /// In the order of the model's parameters.
    let layers: [Layer]
    private let quantized: [String: QuantizedParameter]
    /// Matrices that stay in floating point whatever is chosen, by name.
    private let unchanged: [String]

    /// - Parameters:
    ///   - model: The model in floating point.
    ///   - method: The method of quantization.
    ///   - sample: Batches: one shows which layers there are; where activations are static, all calibrate them.
    /// - Throws: `DistillationError` where no layer can be quantized; `TorchError` for weights that are not finite.
    init(_ model: TransformerModel, method: QuantizationMethod, sample: [PackedInput]) throws {
        let ranges = ActivationRanges()
        let watched = try AutoModel.make(
            model.configuration,
            source: QuantizedSource(parameters: model.parameters, quantized: [:], chosen: []),
            seed: 0, device: model.device, instrument: ranges)
        let isStatic = method.activations == .fixed
        for isCounting in isStatic && method.calibration != .minMax ? [false, true] : [false] {
            ranges.isCounting = isCounting
            for batch in isStatic ? sample : Array(sample.prefix(1)) {
                _ = try withNoGrad { try watched(batch).logits }
            }
        }
        try model.parameters.freeze()
        let linear = Set(ranges.linearLayers)
        var (layers, unchanged): ([Layer], [String]) = ([], [])
        var quantized: [String: QuantizedParameter] = [:]
        for entry in model.parameters.entries where entry.name.hasSuffix(".weight") {
            let name = String(entry.name.dropLast(".weight".count))
            guard ranges.layers.contains(name), entry.tensor.rank == 2 else { continue }
            let isTable = !linear.contains(name)
            guard entry.tensor.count >= method.smallestMatrix, !method.keeps(name),
                !isTable || method.embeddings
            else {
                unchanged.append(name)
                continue
            }
            let input =
                isTable || !isStatic
                ? (method.activations == .perTensor ? .perTensor : .perToken)
                : ranges.values[name]?.quantization(method.calibration, percentile: method.percentile)
                    ?? .perToken
            quantized[name] = QuantizedParameter(
                weight: try Int8Weight(quantizing: entry.tensor), input: input)
            layers.append(
                Layer(
                    name: name, isTable: isTable, elements: entry.tensor.count,
                    rows: entry.tensor.shape[0]))
        }
        if let wrong = method.keep.first(where: { name in
            !ranges.layers.contains { $0 == name || $0.hasPrefix(name + ".") }
        }) {
            throw DistillationError(
                "keep names '\(wrong)', which the model does not have; its layers are named like "
                    + (ranges.linearLayers.first ?? "bert.pooler.dense"))
        }
        guard !layers.isEmpty else {
            throw DistillationError(
                "the model has no layer of \(method.smallestMatrix) weights or more to quantize; it is small "
                    + "as it is")
        }
        (self.model, self.method, self.layers, self.quantized) = (model, method, layers, quantized)
        self.unchanged = unchanged
    }

    /// The model with some of its layers in int8, frozen.
    ///
    /// - Parameter chosen: Names of ``layers``.
    func model(_ chosen: Set<String>) throws -> TransformerModel {
        var configuration = model.configuration
        let rest = layers.filter { !chosen.contains($0.name) }.map(\.name) + unchanged
        configuration.quantization =
            chosen.isEmpty
            ? nil
            : QuantizationConfiguration(
                activations: method.activations,
                embeddings: layers.contains { $0.isTable && chosen.contains($0.name) },
                ignored: rest.sorted())
        let made = try AutoModel.make(
            configuration,
            source: QuantizedSource(parameters: model.parameters, quantized: quantized, chosen: chosen),
            seed: 0, device: model.device)
        try made.parameters.freeze()
        try model.parameters.freeze()
        return made
    }
}
