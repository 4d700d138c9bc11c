import Foundation

/// The learning rate over a run: a linear warm-up from zero, then a decay, as in `transformers.optimization`.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What follows the warm-up, by Hugging Face's names (`lr_scheduler_type`).
    public enum Decay: String, CaseIterable, Sendable {
        /// Straight to zero at the last step.
        case linear
        /// Half a cosine to zero at the last step.
        case cosine
        /// None.
        case constant
    }

    public let peak: Double
    public let warmupSteps: Int
    public let totalSteps: Int
    public let decay: Decay

    public init(peak: Double, warmupSteps: Int, totalSteps: Int, decay: Decay) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.decay = decay
    }

    /// The learning rate of a step, counted from 0.
    public func learningRate(atStep step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
        let progress = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
        switch decay {
        case .linear: return peak * max(0, 1 - progress)
        case .cosine: return peak * max(0, 0.5 * (1 + cos(.pi * min(1, progress))))
        case .constant: return peak
        }
    }
}
