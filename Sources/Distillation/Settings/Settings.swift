/// The settings of a run by their names in a configuration file, read by ``DistillRequest/init(_:output:locator:)`` and
/// ``FineTuneRequest/init(_:locator:)``.
///
/// ```swift
/// var settings = try Settings(contentsOf: URL(filePath: "distill.yaml"))
/// settings["temperature"] = 2
/// settings["objectives"] = ["kl", ["name": "hidden_mse", "layers": "uniform"]]
/// let report = try DistillationRun(DistillRequest(settings)).run()
/// ```
public struct Settings: Sendable {
    /// A setting, and its line in the file.
    package struct Entry: Sendable {
        var key: SettingNode
        package var name: String
        var node: SettingNode
        /// The line of the file; `nil` for a value that was set since.
        var line: Int?

        init(_ name: String, _ node: SettingNode) {
            (key, self.name, self.node, line) = (SettingNode(name), name, node, nil)
        }

        init(key: SettingNode, name: String, node: SettingNode, line: Int?) {
            (self.key, self.name, self.node, self.line) = (key, name, node, line)
        }
    }

    /// The file's path; `nil` for settings made by a program.
    package let path: String?
    /// The settings in their order.
    package private(set) var entries: [Entry]
    /// The flags, which replace the entries of the same names; those entries' values must be valid all the same.
    package private(set) var overrides: [Entry] = []
    /// The changes made to the file's settings, for errors: "temperature 4".
    private var changes: [String] = []

    /// The run whose report the settings are from; `nil` for settings from elsewhere.
    var reproduced: RunIdentity?

    /// Creates empty settings.
    public init() { self.init(entries: [], path: nil) }

    init(entries: [Entry], path: String?) {
        self.entries = entries
        self.path = path
    }

    /// The value of a setting, or `nil` where it has none; setting it replaces the file's.
    public subscript(name: String) -> SettingNode? {
        get { (overrides.last { $0.name == name } ?? entries.first { $0.name == name })?.node }
        set {
            overrides.removeAll { $0.name == name }
            guard let newValue else { return entries.removeAll { $0.name == name } }
            replace(name, newValue)
        }
    }

    /// Sets a value that takes precedence over the file's. A wrong value in the file is still an error.
    ///
    /// - Parameter value: `nil` leaves the setting as it is.
    package mutating func override(_ name: String, _ value: (some SettingValue)?) {
        guard let value else { return }
        overrides.removeAll { $0.name == name }
        overrides.append(Entry(name, value.settingNode))
    }

    /// Sets a list that takes precedence over the file's; an empty one leaves the setting as it is.
    package mutating func override(_ name: String, _ values: [String]) {
        self.override(name, values.isEmpty ? nil : values)
    }

    /// Sets a switch that takes precedence over the file's; `false` leaves the setting as it is.
    package mutating func override(_ name: String, switch isOn: Bool) {
        self.override(name, isOn ? true : nil)
    }

    /// Returns the settings without those of some names.
    package func removing(_ names: [String]) -> Settings {
        var settings = self
        settings.entries.removeAll { names.contains($0.name) }
        settings.overrides.removeAll { names.contains($0.name) }
        return settings
    }

    /// Returns the settings with other values, each at the position of the old one, else at the end; errors name them.
    ///
    /// - Parameter values: The values, as nodes and as texts for errors.
    package func replacing(_ values: [(name: String, node: SettingNode, text: String)]) -> Settings {
        var settings = self
        for (name, node, text) in values {
            settings.replace(name, node)
            settings.changes.append("\(name) \(text)")
        }
        return settings
    }

    /// Returns the settings with each overriding value at the position of the one that it overrides.
    package func merged() -> Settings {
        var settings = self
        settings.overrides = []
        return settings.replacing(overrides.map { ($0.name, $0.node, $0.node.inlineText() ?? "") })
    }

    private mutating func replace(_ name: String, _ node: SettingNode) {
        if let index = entries.firstIndex(where: { $0.name == name }) {
            (entries[index].node, entries[index].line) = (node, nil)
        } else {
            entries.append(Entry(name, node))
        }
    }

    // MARK: - Errors

    /// The beginning of an error: the file, the changes made to it, and a line.
    func prefix(line: Int? = nil) -> String {
        let changed = changes.isEmpty ? "" : " with " + changes.joined(separator: ", ")
        guard let path = path ?? (changes.isEmpty ? nil : "the settings") else { return "" }
        return path + changed + (line.map { ", line \($0)" } ?? "") + ": "
    }

    /// - Throws: ``SettingsError`` for a name that is not among those known.
    package func refuse(allBut known: [String]) throws {
        guard let unknown = entries.first(where: { !known.contains($0.name) }) else { return }
        // A name of config.json may have the setting's in it: hidden_dropout_prob.
        let within = known.filter { $0.count > 4 && unknown.name.contains($0) }.max { $0.count < $1.count }
        let hint = (Suggestion.nearest(to: unknown.name, among: known) ?? within).map {
            "did you mean \($0)?"
        }
        throw SettingsError(
            prefix(line: unknown.line) + "there is no setting '\(Self.short(unknown.name))'; "
                + (hint ?? "the settings are \(Set(known).sorted().joined(separator: ", "))"))
    }
}

extension Settings: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, SettingNode)...) {
        self.init()
        for (name, node) in elements { self[name] = node }
    }
}
