import Transformers

extension DistillRequest {
    /// The objectives of an on-policy run that describes none: the generalized Jensen–Shannon divergence, and with an alpha that was
    /// asked for the labels beside it, which the data's texts alone have.
    func onPolicyObjectives(_ problemType: TaskIdentifier, temperature: Schedule) -> [ObjectiveSpecification]
    {
        let isWeighed = statedAlpha != nil
        let divergence = ObjectiveSpecification(
            "jensen_shannon", weight: isWeighed ? alpha : 1, options: ["temperature": temperature.description]
        )
        guard isWeighed, alpha != 1 else { return [divergence] }
        return [divergence, training.labelObjective(problemType, weight: alpha.map { 1 - $0 })]
    }

    /// Checks the settings of the student's texts by themselves.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireOnPolicyFits() throws {
        guard let onPolicy else {
            for specification in objectives + stages.flatMap(\.objectives) {
                guard let texts = specification.texts else { continue }
                throw DistillationError(
                    "objective \(specification.name): texts = \(texts.rawValue) tells the student's texts from the data's, and the student "
                        + "writes none; give on_policy, or leave texts out")
            }
            return
        }
        try onPolicy.validate()
        guard teacherLogprobs.isEmpty else {
            throw DistillationError(
                "on_policy: the teacher must read the texts that the student writes, but it is known by --teacher-logprobs alone; give "
                    + "--teacher, or leave on_policy out")
        }
        guard !quantizeAware else {
            throw DistillationError(
                "on_policy and quantize_aware cannot be combined: texts are written by the student's own weights; leave one of them out"
            )
        }
    }

    /// What a run tells of its student's texts; `nil` where it writes none.
    var onPolicyNote: String? {
        guard let onPolicy else { return nil }
        let steps = onPolicy.refreshSteps
        return
            "On-policy: a step is taken on texts that the student writes to the data's prompts with a probability of \(onPolicy.fraction) "
            + "(temperature \(onPolicy.temperature), at most \(onPolicy.maxNewTokens) tokens, written "
            + (steps == 1 ? "for each step" : "for \(steps) steps at a time")
            + "); the teacher reads them live."
    }
}
