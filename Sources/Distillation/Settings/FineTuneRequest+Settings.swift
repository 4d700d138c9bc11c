import Foundation
import Torch

extension FineTuneRequest {
    /// Creates the request of a fine-tuning from its settings, named as in a configuration file of `distill finetune`.
    ///
    /// The setting `threads` applies to the whole process and takes effect at once.
    ///
    /// - Parameters:
    ///   - settings: The settings; `model`, `train` and `output` must be among them.
    ///   - locator: The locator of the models and data that they name.
    /// - Throws: ``SettingsError`` for a setting that is missing, has a wrong value or is unknown; ``DistillationError``
    ///   where models or data are not found.
    public init(_ settings: Settings, locator: ResourceLocator = .local) throws {
        _ = try settings.reproduced(by: "finetune")
        self = try SettingsReader(settings, locator: locator).reading(Self.settingNames) {
            try Self($0, settings)
        }
    }

    /// The names of the settings of a fine-tuning.
    private static let settingNames = SettingsReader.names(
        of: ["model": "model", "train": "train", "output": "output"]
    ) { _ = try FineTuneRequest($0, Settings()) }

    private init(_ reader: SettingsReader, _ settings: Settings) throws {
        self.init(
            model: try reader.model(reader.required("model")), data: try DataRequest(reader),
            output: URL(filePath: try reader.required("output")))
        try reader.assign("ignore_mismatched_sizes", to: &ignoreMismatchedSizes)
        try reader.assign("score_activation", to: &scoreActivation)
        try reader.assign("overwrite", to: &overwrite)
        loggingDirectory = try reader.value("logging_dir", as: String.self).map { URL(filePath: $0) }
        try reader.assign("report_examples", to: &reportExamples)
        card = try ModelCardOptions(reader)
        training = try TrainingArguments(reader)
        cache = try CacheOptions(reader, hasTeacher: false)
        checkpoints = try CheckpointOptions(reader)
        reproduced = try settings.reproduced(by: "finetune")
        device = try Device(reader)
        try reader.assign("precision", to: &precision)
        try reader.finish()
    }
}

extension FineTuneRequest {
    /// The settings from which ``init(_:locator:)`` makes this request, defaults included; but for the number of threads, and
    /// whether the run is resumed.
    public var settings: Settings {
        var settings = Settings()
        settings.override("model", model.absolutePath)
        data.write(to: &settings)
        settings.override("output", output.absolutePath)
        settings.override("ignore_mismatched_sizes", ignoreMismatchedSizes)
        settings.override("score_activation", scoreActivation)
        settings.override("overwrite", overwrite)
        training.write(to: &settings)
        settings.override("device", device.description)
        settings.override("precision", precision)
        settings.override("logging_dir", loggingDirectory?.absolutePath)
        settings.override("report_examples", reportExamples)
        card.write(to: &settings)
        cache.write(to: &settings)
        checkpoints.write(to: &settings)
        return settings.merged()
    }
}
