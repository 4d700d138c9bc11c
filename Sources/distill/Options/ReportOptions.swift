import ArgumentParser
import Distillation

/// The documents saved with a trained model: its report and its card.
struct ReportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The most examples in each list of report.html; 0 keeps all texts out. (default: 20)",
            valueName: "n"))
    var reportExamples: Int?

    @Option(
        help: ArgumentHelp(
            "The model card's license, such as apache-2.0. (default: the source model's, where its card says it)",
            valueName: "id"))
    var license: String?

    @Option(help: ArgumentHelp("The card's languages, such as en,de.", valueName: "codes"))
    var language: String?

    @Option(
        help: ArgumentHelp(
            "The training data's names on the Hugging Face Hub, never paths.", valueName: "ids"))
    var datasets: String?

    @Option(
        help: ArgumentHelp(
            "The source model's name on the Hugging Face Hub. (default: what its path or card says)",
            valueName: "id"))
    var baseModel: String?

    func register(in settings: inout Settings) {
        settings.override("report_examples", reportExamples)
        settings.override("license", license)
        settings.override("language", language)
        settings.override("datasets", datasets)
        settings.override("base_model", baseModel)
    }
}
