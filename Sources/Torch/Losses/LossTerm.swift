import CTorch

/// One term of a ``FusedLoss``: a measure of a token's prediction, with its weight in the sum.
///
/// q is the student's distribution over the vocabulary and p the teacher's, both softened by the temperature T.
public struct LossTerm: Sendable, Equatable {
    /// What is measured.
    public enum Measure: Sendable, Equatable {
        /// −log q(target).
        case crossEntropy
        /// T² · KL(p ‖ q) (Hinton et al., arXiv 1503.02531).
        case kl
        /// T² · KL(q ‖ p) (Gu et al., arXiv 2306.08543).
        case reverseKL
        /// β · KL(p ‖ m) + (1 − β) · KL(q ‖ m) with m = β · p + (1 − β) · q; KL(p ‖ q) for β = 0 and KL(q ‖ p) for 1, without T²
        /// (Agarwal et al., arXiv 2306.13649).
        case jensenShannon(beta: Double)
        /// KL(p ‖ α · p + (1 − α) · q) (Ko et al., arXiv 2402.03898).
        case skewKL(alpha: Double)
        /// KL(q ‖ (1 − α) · p + α · q) (the same).
        case skewReverseKL(alpha: Double)
        /// The total variation distance, ½ Σ |p − q| (Wen et al., arXiv 2307.15190).
        case totalVariation
        /// T² · (s · KL(p ‖ q) + (1 − s) · KL(q ‖ p)), where s is the share of the teacher's head in Σ |p − q|, taken for a
        /// constant: the most probable token, and the next ones as long as all have at most `head` (Wu et al., arXiv 2404.02657).
        case adaptiveKL(head: Double = 0.5)
    }

    public let measure: Measure
    public let weight: Double
    public let temperature: Double

    public init(_ measure: Measure, weight: Double = 1, temperature: Double = 1) {
        self.measure = measure
        self.weight = weight
        self.temperature = temperature
    }

    /// True for all but the cross-entropy.
    public var needsTeacher: Bool { measure != .crossEntropy }

    /// As the C interface takes it.
    var raw: ct_loss_term {
        let (kind, parameter): (Int, Double) =
            switch measure {
            case .crossEntropy: (CT_LOSS_CROSS_ENTROPY, 0)
            case .kl: (CT_LOSS_KL, 0)
            case .reverseKL: (CT_LOSS_REVERSE_KL, 0)
            case .jensenShannon(let beta): (CT_LOSS_JENSEN_SHANNON, beta)
            case .skewKL(let alpha): (CT_LOSS_SKEW_KL, alpha)
            case .skewReverseKL(let alpha): (CT_LOSS_SKEW_REVERSE_KL, alpha)
            case .totalVariation: (CT_LOSS_TVD, 0)
            case .adaptiveKL(let head): (CT_LOSS_ADAPTIVE_KL, head)
            }
        return ct_loss_term(
            kind: Int32(kind), weight: weight, temperature: temperature, parameter: parameter)
    }
}
