import Distillation
import Foundation
import Torch
import Transformers

/// Chooses which layers become int8, so that the model's metric drops by no more than is allowed.
struct QuantizationPlan {
    let quantizer: Quantizer
    let dataset: EncodedDataset
    let batchSize: Int
    /// The model in floating point on the same data.
    let reference: Logits
    /// Called with the number of models evaluated so far.
    let onProgress: (Int) -> Void
    let shouldStop: () -> Bool

    /// The layers that were chosen.
    struct Choice {
        var layers: Set<String>
        /// The change of the outputs by each layer's int8 alone: KL(float ‖ int8), for regression the mean squared
        /// difference; empty where none had to be known.
        var sensitivity: [String: Double] = [:]
    }

    /// Finds the smallest model within a drop of the task's metric (as a fraction: 0.005 is half a point).
    ///
    /// All layers are tried first. Where that is too much, the layers are evaluated one by one, and left in floating point one
    /// after another, those first that change the outputs most for the bytes they save; then each is tried in int8 once more,
    /// the largest first.
    ///
    /// - Throws: `DistillationError` where no layer is within it; `InterruptedError`.
    func smallest(within limit: Double) throws -> Choice {
        let names = quantizer.layers.map(\.name)
        var evaluated = 0
        func drop(_ chosen: Set<String>) throws -> Double {
            evaluated += 1
            onProgress(evaluated)
            return try metric(reference) - metric(logits(chosen))
        }
        var chosen = Set(names)
        guard try drop(chosen) > limit else { return Choice(layers: chosen) }
        let sensitivity = try self.sensitivity {
            evaluated += 1
            onProgress(evaluated)
        }
        let saved = Dictionary(uniqueKeysWithValues: quantizer.layers.map { ($0.name, $0.savedBytes) })
        let cost: (String) -> Double = { (sensitivity[$0] ?? 0) / Double(max(1, saved[$0] ?? 1)) }
        var removed: [String] = []
        for name in names.sorted(by: { (cost($0), $0) > (cost($1), $1) }) {
            chosen.remove(name)
            removed.append(name)
            guard !chosen.isEmpty else { break }
            if try drop(chosen) <= limit { break }
        }
        guard !chosen.isEmpty else {
            let floor = try drop([])
            guard floor <= limit else {
                throw DistillationError(
                    String(
                        format:
                            "the model without the dropped tokens loses %.2f points before anything is int8, %.2f are allowed; "
                            + "keep more tokens (give --trim-vocabulary more texts), or allow more",
                        floor * 100,
                        limit * 100))
            }
            throw DistillationError(
                String(
                    format:
                        "no layer can be int8 within an accuracy drop of %.2f points; allow more, or take --type bfloat16",
                    limit * 100))
        }
        for name in removed.dropLast().sorted(by: { (saved[$0] ?? 0, $0) > (saved[$1] ?? 0, $1) }) {
            if try drop(chosen.union([name])) <= limit { chosen.insert(name) }
        }
        return Choice(layers: chosen, sensitivity: sensitivity)
    }

    /// Measures the change of the outputs by each layer's int8 alone.
    func sensitivity(_ onModel: () -> Void = {}) throws -> [String: Double] {
        var result: [String: Double] = [:]
        for layer in quantizer.layers {
            onModel()
            let values = try dataset.problemType.outputs.compare(
                student: logits([layer.name]), teacher: reference)
            result[layer.name] = values[.kl] ?? values[.teacherMSE] ?? 0
        }
        return result
    }

    func logits(_ chosen: Set<String>) throws -> Logits {
        guard
            let logits = try Inference.logits(
                quantizer.model(chosen), dataset, batchSize: batchSize,
                of:
                    "the model with \(chosen.count == 1 ? "\(chosen.first ?? "") in int8" : "\(chosen.count) layers in int8")",
                shouldStop: shouldStop)
        else { throw InterruptedError() }
        return logits
    }

    /// The task's own metric on the examples that have a label.
    private func metric(_ logits: Logits) -> Double {
        let labeled = dataset.targets.labeledIndices
        return dataset.problemType.primaryValue(
            logits.subset(labeled), dataset.targets.subset(labeled))
    }
}
