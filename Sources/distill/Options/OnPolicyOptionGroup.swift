import ArgumentParser
import Distillation

/// The steps on texts that a language model's student writes itself.
struct OnPolicyOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            For language models: the probability, 0 to 1, that a step is taken on texts that the student writes to the data's prompts, which \
            the teacher reads live (GKD's lambda). The objective is then jensen_shannon, unless others are given. (default: none)
            """, valueName: "lambda"))
    var onPolicy: Double?

    @Option(
        help:
            "Divides the logits that the student's texts are drawn by; 0 takes the most probable token. (default: 1)"
    )
    var onPolicyTemperature: Double?

    @Option(help: "The most tokens that the student writes to a prompt. (default: 128)")
    var onPolicyMaxNewTokens: Int?

    @Option(
        help: ArgumentHelp(
            "Write the texts of so many steps at a time, which takes less time than one step's. (default: 1)",
            valueName: "steps"))
    var onPolicyRefresh: Int?

    func register(in settings: inout Settings) {
        settings.override("on_policy", onPolicy)
        settings.override("on_policy_temperature", onPolicyTemperature)
        settings.override("on_policy_max_new_tokens", onPolicyMaxNewTokens)
        settings.override("on_policy_refresh", onPolicyRefresh)
    }
}
