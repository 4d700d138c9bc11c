extension TrainingStage {
    private static let settings = [
        "name", "objectives", "num_train_epochs", "epochs", "max_steps", "learning_rate", "lr_scheduler_type",
        "warmup_steps", "warmup_ratio",
    ]

    /// The stage of a setting: a mapping of its own settings.
    init(setting node: SettingNode) throws {
        self.init(objectives: [])
        for (name, node) in try node.fields(of: "a stage") {
            func value<Value: SettingValue>() throws -> Value {
                guard let value = Value(setting: node) else {
                    throw SettingsError("a stage's \(name) must be \(Value.settingDescription)")
                }
                return value
            }
            switch name {
            case "name": self.name = try value()
            case "objectives":
                objectives = try (node.list ?? [node]).map { try ObjectiveSpecification(setting: $0) }
            case "num_train_epochs", "epochs": numTrainEpochs = try value()
            case "max_steps": maxSteps = try value()
            case "learning_rate": learningRate = try value()
            case "lr_scheduler_type": lrSchedulerType = try value()
            case "warmup_steps", "warmup_ratio": warmupSteps = try value()
            default:
                let hint = Suggestion.nearest(to: name, among: Self.settings).map { "did you mean \($0)?" }
                throw SettingsError(
                    "a stage has no setting '\(name)'; "
                        + (hint ?? "its settings are \(Self.settings.joined(separator: ", "))"))
            }
        }
    }
}

extension TrainingStage {
    /// The setting from which ``init(setting:)`` reads the stage.
    var settingNode: SettingNode {
        var fields: [(String, SettingNode)] = []
        func add(_ name: String, _ value: (some SettingValue)?) {
            if let value { fields.append((name, value.settingNode)) }
        }
        add("name", name)
        add("num_train_epochs", numTrainEpochs)
        add("max_steps", maxSteps)
        add("learning_rate", learningRate)
        add("lr_scheduler_type", lrSchedulerType)
        add("warmup_steps", warmupSteps)
        add("objectives", objectives.map(\.description))
        return SettingNode(.mapping(fields.map { (SettingNode($0.0), $0.1) }, isFlow: true))
    }
}
