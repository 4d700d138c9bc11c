import Foundation

extension CheckpointOptions {
    /// The options of settings.
    package init(_ reader: SettingsReader) throws {
        self.init()
        try reader.assign("save_steps", to: &saveSteps)
        try reader.assign("save_total_limit", to: &saveTotalLimit)
        try reader.assign("keep_checkpoints", to: &retention)
        resume = try reader.value("resume")
    }
}

extension CheckpointOptions.Retention: SettingValue {}

extension CheckpointOptions.Resume: SettingValue {
    public static var settingDescription: String { "latest, auto or a checkpoint's directory" }
    public init?(setting node: SettingNode) {
        switch node.text {
        case nil, "": return nil
        case "latest": self = .latest
        case "auto": self = .auto
        case .some(let path): self = .checkpoint(URL(filePath: path, directoryHint: .isDirectory))
        }
    }
    public var settingNode: SettingNode {
        switch self {
        case .latest: "latest"
        case .auto: "auto"
        case .checkpoint(let url): SettingNode(url.path)
        }
    }
}

extension CheckpointOptions {
    /// Writes the options as settings, but for the resume, which is of one start alone.
    func write(to settings: inout Settings) {
        settings.override("save_steps", saveSteps)
        settings.override("save_total_limit", saveTotalLimit)
        settings.override("keep_checkpoints", retention)
    }
}
