import Foundation
import Transformers

/// About how much memory a run takes at its peak, beyond what the process has already.
struct MemoryEstimate {
    let bytes: Int

    /// - Parameters:
    ///   - student: What is trained: weights, gradients and two moments, each four bytes.
    ///   - teachers: Frozen: their weights once as they are, once laid out for multiplication.
    ///   - tokens: In the largest training pass; its activations are kept for the way back.
    ///   - evaluationTokens: In the largest pass of evaluation, of which two layers' are alive.
    init(
        student: TransformerModel, teachers: [TransformerModel], tokens: Int,
        evaluationTokens: Int
    ) {
        let weights = student.parameters.elementCount * 4 * 4
        let frozen = teachers.reduce(0) { $0 + $1.parameters.elementCount * 4 * 2 }
        // Per token and layer: input, queries, keys, values, context, two norms, and the intermediate layer twice.
        func perToken(_ c: ModelConfiguration) -> Int { (8 * c.hiddenSize + 2 * c.intermediateSize) * 4 }
        let own = student.configuration
        let activations = tokens * perToken(own) * (own.numHiddenLayers + 1)
        let passing =
            teachers.map { evaluationTokens * perToken($0.configuration) * 2 }.max() ?? 0
        bytes = weights + frozen + max(activations, passing)
    }

    /// What the machine has free, in bytes; `nil` where it does not say.
    static var available: Int? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else {
            return Int(clamping: ProcessInfo.processInfo.physicalMemory)
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
