import Foundation

/// The learning rate over a run: a warm-up, then a decay, as in `transformers.optimization`.
///
/// The warm-up is linear from zero, but for ``Decay/oneCycle``, which has one of its own.
public struct LearningRateSchedule: Sendable, Equatable {
    /// The decay after the warm-up, by Hugging Face's names (`lr_scheduler_type`).
    public enum Decay: String, CaseIterable, Sendable {
        /// Straight to zero at the last step.
        case linear
        /// Half a cosine to zero at the last step.
        case cosine
        /// None.
        case constant
        /// A power of the fraction of steps that remain, to ``LearningRateSchedule/end`` at the last step.
        case polynomial
        /// One cycle (Smith and Topin, arXiv 1708.07120), as PyTorch's `OneCycleLR` in two phases: half a cosine from
        /// a 25th of the peak up to the peak, then half a cosine down to a 10,000th of where it began.
        ///
        /// The warm-up is the first phase; PyTorch's default for it is 0.3 of all steps. Adam's betas are left alone:
        /// PyTorch would cycle the first one too (`cycle_momentum`).
        case oneCycle = "one_cycle"
    }

    public let peak: Double
    public let warmupSteps: Int
    public let totalSteps: Int
    public let decay: Decay
    /// The exponent of ``Decay/polynomial``: 1 for a straight line.
    public let power: Double
    /// The final value of ``Decay/polynomial``; the peak if that is smaller.
    public let end: Double

    /// - Parameters:
    ///   - peak: The largest learning rate.
    ///   - warmupSteps: The number of steps that rise to it.
    ///   - totalSteps: The steps of the run, the warm-up's included.
    ///   - decay: The decay after the warm-up.
    ///   - power: The exponent of ``Decay/polynomial``; others ignore it.
    ///   - end: The final value of ``Decay/polynomial``; others ignore it.
    public init(
        peak: Double, warmupSteps: Int, totalSteps: Int, decay: Decay, power: Double = 1, end: Double = 1e-7
    ) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.decay = decay
        self.power = power
        self.end = end
    }

    /// The learning rate of a step, counted from 0.
    public func learningRate(atStep step: Int) -> Double {
        if decay == .oneCycle { return oneCycle(Double(step)) }
        if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
        let progress = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
        switch decay {
        case .linear: return peak * max(0, 1 - progress)
        case .cosine: return peak * max(0, 0.5 * (1 + cos(.pi * min(1, progress))))
        case .constant, .oneCycle: return peak
        case .polynomial:
            let end = min(end, peak)
            return (peak - end) * pow(max(0, 1 - progress), power) + end
        }
    }

    /// The peak is the warm-up's last step, the end the run's last.
    private func oneCycle(_ step: Double) -> Double {
        let start = peak / Self.oneCycleStart
        let top = Double(warmupSteps - 1)
        if step <= top { return Self.cosine(from: start, to: peak, top > 0 ? step / top : 1) }
        let last = Double(totalSteps - 1)
        let progress = last > top ? min(1, (step - top) / (last - top)) : 1
        return Self.cosine(from: peak, to: start / Self.oneCycleEnd, progress)
    }

    /// PyTorch's `div_factor` and `final_div_factor`.
    private static let oneCycleStart = 25.0
    private static let oneCycleEnd = 1e4

    private static func cosine(from start: Double, to end: Double, _ progress: Double) -> Double {
        end + (start - end) / 2 * (1 + cos(.pi * progress))
    }
}
