import Foundation
import Transformers

/// An estimate of a run's peak memory, beyond what the process has already.
struct MemoryEstimate {
    let bytes: Int

    /// - Parameters:
    ///   - student: The trained model, each number of four bytes: weights, gradients and two moments, the best weights so far, and
    ///     the copy of weights and moments that a checkpoint is written from.
    ///   - teachers: The frozen models: their weights once as they are, and once prepacked for multiplication.
    ///   - tokens: The tokens of the largest micro-batch, whose activations are kept for the backward pass.
    ///   - evaluationTokens: The tokens of the largest evaluation batch, of which two layers' activations are alive.
    ///   - arguments: Whether layers are computed again, and the optimizer.
    init(
        student: TransformerModel, teachers: [TransformerModel], tokens: Int,
        evaluationTokens: Int, arguments: TrainingArguments = TrainingArguments()
    ) {
        let own = student.configuration
        // Moments are two numbers of what is trained, and two of its copy.
        let (trained, moments) = (student.trained.elementCount, arguments.optim == .adamw8bit ? 2 : 8)
        var weights = student.parameters.elementCount * 4
        if let adapters = student.adapters {
            // The weights without adapters, and one layer's gradients.
            weights += adapters.layers.reduce(0) { $0 + $1.baseBytes } + weights / max(1, own.numHiddenLayers)
            weights += trained * 4
        }
        // The numbers behind rounded weights.
        weights += student.rounded?.bytes ?? 0
        weights += trained * (4 + moments + 4 + 4 + moments)
        let frozen = teachers.reduce(0) { $0 + $1.parameters.elementCount * 4 * 2 }
        // Per token and layer: input, queries, keys, values, context, two norms, and the intermediate layer twice.
        func perToken(_ c: ModelConfiguration) -> Int { (8 * c.hiddenSize + 2 * c.intermediateSize) * 4 }
        let inputs = tokens * own.hiddenSize * 4 * own.numHiddenLayers
        let activations =
            arguments.gradientCheckpointing == true
            ? inputs + 2 * tokens * perToken(own) : tokens * perToken(own) * (own.numHiddenLayers + 1)
        let passing =
            teachers.map { evaluationTokens * perToken($0.configuration) * 2 }.max() ?? 0
        bytes = weights + frozen + max(activations, passing)
    }

    /// The machine's free memory, in bytes; `nil` where it does not say.
    static var available: Int? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else {
            return Int(clamping: ProcessInfo.processInfo.physicalMemory)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
