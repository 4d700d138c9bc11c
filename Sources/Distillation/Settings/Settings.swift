/// Settings of a run by the names that they have in a configuration file: ``DistillRequest/init(_:output:locator:)`` and
/// ``FineTuneRequest/init(_:locator:)`` read them.
///
/// ```swift
/// var settings = try Settings(contentsOf: URL(filePath: "distill.yaml"))
/// settings["temperature"] = 2
/// settings["objectives"] = ["kl", ["name": "hidden_mse", "layers": "uniform"]]
/// let report = try DistillationRun(DistillRequest(settings)).run()
/// ```
public struct Settings: Sendable {
    /// A setting, and where it is written.
    package struct Entry: Sendable {
        var key: SettingNode
        var name: String
        var node: SettingNode
        /// The line of the file; `nil` for what was set since.
        var line: Int?

        init(_ name: String, _ node: SettingNode) {
            (key, self.name, self.node, line) = (SettingNode(name), name, node, nil)
        }

        init(key: SettingNode, name: String, node: SettingNode, line: Int?) {
            (self.key, self.name, self.node, self.line) = (key, name, node, line)
        }
    }

    /// The file's path; `nil` for settings of a program.
    package let path: String?
    /// In their order.
    package private(set) var entries: [Entry]
    /// What takes the place of the entries of the same names, whose values must be right all the same: the flags.
    package private(set) var overrides: [Entry] = []
    /// What was changed of the file, for errors: "temperature 4".
    private var changes: [String] = []

    /// No settings.
    public init() { self.init(entries: [], path: nil) }

    init(entries: [Entry], path: String?) {
        self.entries = entries
        self.path = path
    }

    /// The value of a setting, or `nil` where it has none; setting it takes the place of the file's.
    public subscript(name: String) -> SettingNode? {
        get { (overrides.last { $0.name == name } ?? entries.first { $0.name == name })?.node }
        set {
            overrides.removeAll { $0.name == name }
            guard let newValue else { return entries.removeAll { $0.name == name } }
            replace(name, newValue)
        }
    }

    /// Gives a setting a value that counts more than the file's. A wrong value in the file is still an error.
    ///
    /// - Parameter value: `nil` leaves the setting as it is.
    package mutating func override(_ name: String, _ value: (some SettingValue)?) {
        guard let value else { return }
        overrides.removeAll { $0.name == name }
        overrides.append(Entry(name, value.settingNode))
    }

    /// The same of a list, which an empty one leaves as it is.
    package mutating func override(_ name: String, _ values: [String]) {
        self.override(name, values.isEmpty ? nil : values)
    }

    /// The same of a switch, which `false` leaves as it is.
    package mutating func override(_ name: String, switch isOn: Bool) {
        self.override(name, isOn ? true : nil)
    }

    /// The settings without some.
    package func removing(_ names: [String]) -> Settings {
        var settings = self
        settings.entries.removeAll { names.contains($0.name) }
        settings.overrides.removeAll { names.contains($0.name) }
        return settings
    }

    /// The settings with other values, each in the place of the old one, else at the end; errors name them.
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

    /// The settings with overriding values in the places of those that they override.
    package func merged() -> Settings {
        var settings = self
        settings.overrides = []
        return settings.replacing(overrides.map { ($0.name, $0.node, $0.node.inlineText() ?? "") })
    }

    private mutating func replace(_ name: String, _ node: SettingNode) {
        if let place = entries.firstIndex(where: { $0.name == name }) {
            (entries[place].node, entries[place].line) = (node, nil)
        } else {
            entries.append(Entry(name, node))
        }
    }

    // MARK: - Errors

    /// What an error begins with: the file, what was changed of it, and a line.
    func prefix(line: Int? = nil) -> String {
        let changed = changes.isEmpty ? "" : " with " + changes.joined(separator: ", ")
        guard let path = path ?? (changes.isEmpty ? nil : "the settings") else { return "" }
        return path + changed + (line.map { ", line \($0)" } ?? "") + ": "
    }

    /// - Throws: ``SettingsError`` for a name that is not among those known.
    package func refuse(allBut known: [String]) throws {
        guard let unknown = entries.first(where: { !known.contains($0.name) }) else { return }
        let hint = Suggestion.nearest(to: unknown.name, among: known).map { "did you mean \($0)?" }
        throw SettingsError(
            prefix(line: unknown.line) + "there is no setting '\(Self.short(unknown.name))'; "
                + (hint ?? "the settings are \(known.sorted().joined(separator: ", "))"))
    }
}

extension Settings: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, SettingNode)...) {
        self.init()
        for (name, node) in elements { self[name] = node }
    }
}
