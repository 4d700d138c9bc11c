/// On-policy distillation of a language model (generalized knowledge distillation; Agarwal et al., arXiv 2306.13649): with some
/// probability a step is taken on texts that the student itself writes to the data's prompts, and the teacher reads them live.
public struct OnPolicyOptions: Sendable, Equatable, Codable {
    /// The probability that a step is taken on the student's texts (λ): 0 for none, 1 for all.
    public var fraction: Double
    /// The divisor of the logits that the student's tokens are drawn by; 0 takes the most probable token each time.
    public var temperature = 1.0
    /// The most tokens that the student writes to a prompt.
    public var maxNewTokens = 128
    /// The number of steps whose texts are written at a time, by the weights before the first of them.
    public var refreshSteps = 1

    /// - Parameter fraction: The probability that a step is taken on the student's texts.
    public init(fraction: Double) { self.fraction = fraction }

    /// - Throws: ``DistillationError``, which names the setting that is out of range.
    func validate() throws {
        guard (0...1).contains(fraction) else {
            throw DistillationError(
                "on_policy is the probability that a step is taken on the student's texts, from 0 to 1, got \(fraction)"
            )
        }
        guard temperature >= 0, temperature.isFinite else {
            throw DistillationError(
                "on_policy_temperature must be 0, for the most probable token, or above, got \(temperature)")
        }
        try SettingLimits.require(maxNewTokens, "on_policy_max_new_tokens")
        try SettingLimits.require(refreshSteps, "on_policy_refresh")
    }
}

/// The texts that an objective is computed on, where a student writes some.
public enum ObjectiveTexts: String, Sendable, CaseIterable, Codable {
    /// Those of the data and of the student.
    case all
    /// Those of the data alone.
    case data
    /// Those of the student alone.
    case student

    /// True if the texts of the student, or of the data, are among them.
    ///
    /// - Parameter student: Whether it is the student's that are asked for.
    func include(student: Bool) -> Bool { self == .all || (self == .student) == student }
}
