import ArgumentParser
import Distillation
import Transformers

/// Low-rank adapters, by PEFT's names.
struct LoRAOptionGroup: ParsableArguments {
    @Option(help: "Train low-rank adapters (LoRA) of this rank instead of the weights, such as 16.")
    var loraRank: Int?

    @Option(help: "Adapters are multiplied by this divided by the rank. (default: twice the rank)")
    var loraAlpha: Double?

    @Option(
        help: ArgumentHelp(
            "The linear layers with adapters, such as q_proj,v_proj. (default: all-linear, all but the head)",
            valueName: "names"))
    var loraTargets: String?

    @Option(
        help: ArgumentHelp(
            "The fraction of adapters' inputs that is dropped; above 0 the slower operations of libtorch compute. (default: 0)",
            valueName: "fraction"))
    var loraDropout: Double?

    @Flag(help: "Divide --lora-alpha by the rank's square root (rank-stabilized LoRA).")
    var useRslora = false

    @Option(
        help: ArgumentHelp(
            "What is saved: merged, the model with its adapters; adapter, these too, as PEFT's files in the folder adapter. (default: merged)",
            valueName: "what"))
    var loraSave: LoRAOptions.Save?

    func register(in settings: inout Settings) {
        settings.override("lora_rank", loraRank)
        settings.override("lora_alpha", loraAlpha)
        settings.override("lora_targets", loraTargets)
        settings.override("lora_dropout", loraDropout)
        settings.override("use_rslora", switch: useRslora)
        settings.override("lora_save", loraSave)
    }
}

extension LoRAOptions.Save: ExpressibleByArgument {}
