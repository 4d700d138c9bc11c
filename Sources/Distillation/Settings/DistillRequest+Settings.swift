import Foundation
import Torch

extension DistillRequest {
    /// Creates the request of a distillation from its settings, named as in a configuration file of `distill run`.
    ///
    /// The setting `threads` applies to the whole process and takes effect at once.
    ///
    /// - Parameters:
    ///   - settings: The settings; `teacher` and `train` must be among them.
    ///   - output: The output directory for settings without one; `nil` where they must have one.
    ///   - locator: The locator of the models and data that they name.
    /// - Throws: ``SettingsError`` for a setting that is missing, has a wrong value or is unknown; ``DistillationError``
    ///   where models or data are not found.
    public init(_ settings: Settings, output: URL? = nil, locator: ResourceLocator = .local) throws {
        try self.init(settings, output: output, locator: locator, allowing: [])
    }

    /// Creates the request as ``init(_:output:locator:)`` does, allowing further settings.
    ///
    /// - Parameter names: The names of settings that the caller reads itself.
    package init(
        _ settings: Settings, output: URL?, locator: ResourceLocator, allowing names: [String]
    ) throws {
        _ = try settings.reproduced(by: "run")
        self = try SettingsReader(settings, locator: locator).reading(Self.settingNames + names) {
            try Self($0, settings, output: output, allowing: names)
        }
    }

    /// The names of the settings of a distillation.
    package static let settingNames = SettingsReader.names(
        of: ["teacher": "teacher", "train": "train", "output": "output"]
    ) { _ = try DistillRequest($0, Settings(), output: nil, allowing: []) }

    private init(_ reader: SettingsReader, _ settings: Settings, output: URL?, allowing names: [String])
        throws
    {
        let locator = reader.locator
        let logprobs = try (reader.value("teacher_logprobs", as: [String].self) ?? []).map {
            try locator.data($0, .train)
        }
        let teachers = try TeacherRequest.all(reader, orStudent: !logprobs.isEmpty)
        let data = try DataRequest(reader)
        let named = try reader.value("output", as: String.self).map { URL(filePath: $0) }
        guard let directory = named ?? output else { throw reader.missing("output") }
        self.init(
            teacher: teachers.models.first?.directory ?? directory, data: data, output: directory)
        (self.teachers, scores) = teachers
        teacherLogprobs = logprobs
        try assignTeaching(reader)
        test = try reader.value("test", as: String.self).map { try locator.data($0, .test) }
        retrieval = try RetrievalOptions(reader)
        try reader.assign("baseline", to: &baseline)
        try reader.assign("seeds", to: &seeds)
        student = try StudentOptions(reader)
        try reader.assign("quantize_aware", to: &quantizeAware)
        try reader.assign("quantize_aware_type", to: &quantizeAwareType)
        try reader.assign("overwrite", to: &overwrite)
        loggingDirectory = try reader.value("logging_dir", as: String.self).map { URL(filePath: $0) }
        try reader.assign("report_examples", to: &reportExamples)
        card = try ModelCardOptions(reader)
        training = try TrainingArguments(reader)
        cache = try CacheOptions(reader)
        checkpoints = try CheckpointOptions(reader)
        reproduced = try settings.reproduced(by: "run")
        device = try Device(reader)
        try reader.assign("precision", to: &precision)
        try reader.finish(allowing: names)
    }

    /// Sets the objectives, stages and augmentation.
    private mutating func assignTeaching(_ reader: SettingsReader) throws {
        try reader.assign("teacher_combination", to: &combination)
        try reader.assign("temperature", to: &statedTemperature)
        try reader.assign("teacher_states", to: &teacherStates)
        try reader.assign("alpha", to: &statedAlpha)
        onPolicy = try OnPolicyOptions(reader)
        objectives = try reader.list("objectives") { try ObjectiveSpecification(setting: $0) }
        stages = try reader.list("stages") { try TrainingStage(setting: $0) }
        let masked = try reader.value("mask_probability", as: Double.self)
        let dropped = try reader.value("word_dropout", as: Double.self)
        let fraction = try reader.value("augmentation_share", as: Double.self)
        guard fraction == nil || masked != nil || dropped != nil else {
            throw SettingsError(
                "augmentation_share is the share of the texts that are changed; give mask_probability or word_dropout too, or leave it out"
            )
        }
        if masked != nil || dropped != nil {
            augmentation = try SettingsError.checking {
                try Augmentation(
                    maskProbability: masked ?? 0, wordDropout: dropped ?? 0, share: fraction ?? 1)
            }
        }
    }
}

extension StudentOptions {
    /// The student that settings describe.
    init(_ reader: SettingsReader) throws {
        self.init()
        if StaticStudentRequest.isNamed(in: reader) {
            try StaticStudentRequest.requireNoDirectory()
            table = try StaticOptions(reader)
        } else {
            try StaticStudentRequest.refuse(in: reader)
            directory = try reader.value("student", as: String.self).map(reader.model)
        }
        try reader.assign("layers", to: &layers)
        try reader.assign("hidden_size", to: &hiddenSize)
        try reader.assign("intermediate_size", to: &intermediateSize)
        try reader.assign("attention_heads", to: &attentionHeads)
        try reader.assign("key_value_heads", to: &keyValueHeads)
        try reader.assign("init", to: &statedInitialization)
        try reader.assign("teacher_layers", to: &teacherLayers)
        try reader.assign("trim_vocabulary", to: &trimVocabulary)
        try reader.assign("embedding_size", to: &embeddingSize)
        try reader.assign("projection", to: &projection)
        try reader.assign("pca", to: &pca)
        try reader.assign("pooling", to: &pooling)
        try reader.assign("score_activation", to: &scoreActivation)
        try reader.assign("dropout", to: &dropout)
    }
}

extension DistillRequest {
    /// The settings from which ``init(_:output:locator:)`` makes this request, defaults included; but for the objectives of a
    /// registry of one's own, the number of threads, and whether the run is resumed.
    public var settings: Settings {
        var settings = Settings()
        settings["teachers"] = SettingNode(teachers.map(\.settingNode) + scores.map(\.settingNode))
        settings.override("teacher_combination", combination)
        data.write(to: &settings)
        settings.override("test", test?.absolutePath)
        retrieval?.write(to: &settings)
        settings.override("output", output.absolutePath)
        settings.override("overwrite", overwrite)
        settings.override("temperature", statedTemperature)
        settings.override("teacher_states", teacherStates)
        if !teacherLogprobs.isEmpty {
            settings.override("teacher_logprobs", teacherLogprobs.map(\.absolutePath))
        }
        settings.override("alpha", statedAlpha)
        onPolicy?.write(to: &settings)
        if !objectives.isEmpty {
            settings["objectives"] = SettingNode(objectives.map { SettingNode($0.description) })
        }
        if !stages.isEmpty { settings["stages"] = SettingNode(stages.map(\.settingNode)) }
        settings.override("quantize_aware", quantizeAware)
        settings.override("quantize_aware_type", quantizeAwareType)
        settings.override("mask_probability", augmentation?.maskProbability)
        settings.override("word_dropout", augmentation?.wordDropout)
        settings.override("augmentation_share", augmentation?.share)
        settings.override("baseline", baseline)
        settings.override("seeds", seeds)
        student.write(to: &settings)
        training.write(to: &settings)
        settings.override("device", device.description)
        settings.override("precision", precision)
        settings.override("logging_dir", loggingDirectory?.absolutePath)
        settings.override("report_examples", reportExamples)
        card.write(to: &settings)
        cache.write(to: &settings)
        settings.override("teacher_cache", cache.teacherOutputs)
        checkpoints.write(to: &settings)
        return settings.merged()
    }
}

extension StudentOptions {
    /// Writes the options as settings, from which ``init(_:)`` reads them.
    fileprivate func write(to settings: inout Settings) {
        settings.override("student", directory?.absolutePath)
        table?.write(to: &settings)
        settings.override("layers", layers)
        settings.override("hidden_size", hiddenSize)
        settings.override("intermediate_size", intermediateSize)
        settings.override("attention_heads", attentionHeads)
        settings.override("key_value_heads", keyValueHeads)
        settings.override("init", statedInitialization)
        settings.override("teacher_layers", teacherLayers)
        settings.override("trim_vocabulary", trimVocabulary)
        settings.override("embedding_size", embeddingSize)
        settings.override("projection", projection)
        settings.override("pca", pca)
        settings.override("pooling", pooling)
        settings.override("score_activation", scoreActivation)
        settings.override("dropout", dropout)
    }
}
