import Distillation
import Foundation
import Torch

extension ActivationRanges.Values {
    /// The scale and zero point of this input in int8, asymmetric.
    ///
    /// - Parameters:
    ///   - method: The method that chooses the part of the range that is used.
    ///   - percentile: The percentage of values that `CalibrationMethod.percentile` keeps.
    func quantization(_ method: CalibrationMethod, percentile: Double) -> ActivationQuantization {
        let range =
            switch method {
            case .minMax: (low, high)
            case .percentile: percentileRange(percentile)
            case .entropy: entropyRange()
            }
        // Zero must be represented exactly: many outputs of an activation are zero.
        let (low, high) = (min(0, range.0), max(0, range.1))
        guard high > low else { return .fixed(scale: 1, zeroPoint: 0) }
        let scale = (high - low) / 255
        guard scale > 0 else { return .fixed(scale: 1, zeroPoint: 0) }
        let zero = (-128 - low / scale).rounded()
        return .fixed(scale: scale, zeroPoint: Int8(max(-128, min(127, zero))))
    }

    /// The range that contains this percentage of the values, half of the rest cut at each end.
    func percentileRange(_ percentile: Double) -> (Float, Float) {
        let total = counts.reduce(0, +)
        guard total > 0 else { return (low, high) }
        let cut = total * (1 - percentile / 100) / 2
        let width = (high - low) / Float(counts.count)
        var (first, below) = (0, 0.0)
        while first < counts.count - 1, below + counts[first] <= cut {
            below += counts[first]
            first += 1
        }
        var (last, above) = (counts.count - 1, 0.0)
        while last > first, above + counts[last] <= cut {
            above += counts[last]
            last -= 1
        }
        return (low + Float(first) * width, low + Float(last + 1) * width)
    }

    /// The range cut at the threshold, on both sides of zero, that keeps most of the distribution.
    func entropyRange() -> (Float, Float) {
        let levels = 128
        let bins = absoluteCounts.count
        guard absoluteCounts.reduce(0, +) > 0 else { return (low, high) }
        var best = (divergence: Double.infinity, size: bins)
        for size in stride(from: levels, through: bins, by: 8) {
            let divergence = Self.divergence(absoluteCounts, size: size, levels: levels)
            if divergence < best.divergence { best = (divergence, size) }
        }
        let threshold = largest * Float(best.size) / Float(bins)
        return (max(low, -threshold), min(high, threshold))
    }

    /// KL between the first bins, with all beyond in the last, and the same rounded to so many levels.
    static func divergence(_ counts: [Double], size: Int, levels: Int) -> Double {
        var reference = Array(counts[..<size])
        reference[size - 1] += counts[size...].reduce(0, +)
        var rounded = [Double](repeating: 0, count: size)
        for level in 0..<levels {
            let (start, end) = (level * size / levels, (level + 1) * size / levels)
            let used = (start..<end).filter { reference[$0] > 0 }
            guard !used.isEmpty else { continue }
            // Without the values beyond the threshold: no level represents them.
            let mean = counts[start..<end].reduce(0, +) / Double(used.count)
            for bin in used { rounded[bin] = mean }
        }
        let (all, kept) = (reference.reduce(0, +), rounded.reduce(0, +))
        guard all > 0, kept > 0 else { return .infinity }
        var sum = 0.0
        for bin in 0..<size where reference[bin] > 0 {
            let (p, q) = (reference[bin] / all, rounded[bin] / kept)
            // A bin that holds only values from beyond the threshold.
            guard q > 0 else { return .infinity }
            sum += p * log(p / q)
        }
        return sum
    }
}
