import Foundation

/// A reader of settings by their names, as values of given types.
///
/// Reading a setting also records its name, so that ``finish(allowing:)`` can refuse names that nothing read.
package final class SettingsReader {
    private let settings: Settings
    /// The locator of the models and data that settings name.
    package let locator: ResourceLocator
    /// The names that have been read.
    package private(set) var known: [String] = []

    package init(_ settings: Settings, locator: ResourceLocator = .local) {
        self.settings = settings
        self.locator = locator
    }

    /// Returns a setting's value; `nil` where it has none, or is left empty.
    ///
    /// - Throws: ``SettingsError`` for a value of another type, in the file even where it is overridden.
    package func value<Value: SettingValue>(_ name: String, as type: Value.Type = Value.self) throws -> Value?
    {
        known.append(name)
        let written = try settings.entries.first { $0.name == name }.flatMap(read) as Value?
        let overriding = try settings.overrides.last { $0.name == name }.flatMap(read) as Value?
        return overriding ?? written
    }

    private func read<Value: SettingValue>(_ entry: Settings.Entry) throws -> Value? {
        guard !entry.node.isNull else { return nil }
        guard let value = Value(setting: entry.node) else {
            let written =
                (try? entry.node.serialized()).map { Settings.short(Settings.oneLine($0)) }
                ?? "something else"
            throw SettingsError(
                settings.prefix(line: entry.line)
                    + "\(entry.name) must be \(Value.settingDescription), got \(written)")
        }
        return value
    }

    package func assign<Value: SettingValue>(_ name: String, to target: inout Value) throws {
        if let value = try value(name, as: Value.self) { target = value }
    }

    package func assign<Value: SettingValue>(_ name: String, to target: inout Value?) throws {
        if let value = try value(name, as: Value.self) { target = value }
    }

    /// Returns the elements of a setting that is a list, such as the objectives; a single element needs no list around it.
    ///
    /// - Parameter parse: Reads an element from its node; its errors are prefixed with the file's name and the line.
    package func list<Element>(_ name: String, _ parse: (SettingNode) throws -> Element) throws -> [Element] {
        known.append(name)
        let entry = settings.entries.first { $0.name == name && !$0.node.isNull }
        let written = try entry.map { entry in
            try (entry.node.list ?? [entry.node]).map { element in
                do { return try parse(element) } catch let error as DistillationError {
                    throw SettingsError(settings.prefix(line: element.line) + error.description)
                } catch let error as SettingsError {
                    throw SettingsError(settings.prefix(line: element.line) + error.description)
                }
            }
        }
        let overriding = try settings.overrides.last { $0.name == name }.map { entry in
            try (entry.node.list ?? [entry.node]).map(parse)
        }
        return overriding ?? written ?? []
    }

    /// - Throws: ``SettingsError`` where the setting has no value.
    package func required<Value: SettingValue>(_ name: String, as type: Value.Type = Value.self) throws
        -> Value
    {
        if let value = try value(name, as: Value.self) { return value }
        throw missing(name)
    }

    /// Makes the error of a setting without a value.
    package func missing(_ name: String) -> SettingsError {
        let option = "--" + name.replacing("_", with: "-")
        return SettingsError(
            settings.path == nil
                ? "\(option) is missing; give it, or a file with it as --config"
                : settings.prefix() + "there is no \(name); add it, or give \(option)")
    }

    /// Returns what finds the directory of a model by its name: the locator with the cache that the settings name.
    ///
    /// - Throws: ``SettingsError`` for a cache's directory that is no text.
    package func models() throws -> (_ name: String) throws -> URL {
        var cache = CacheOptions()
        cache.directory = try CacheOptions.directory(self)
        return { [locator, cache] in try locator.model($0, cache) }
    }

    /// Returns the directory of a model, as ``models()`` finds it.
    package func model(_ name: String) throws -> URL { try models()(name) }

    /// Returns a setting's node as it is written; `nil` where the setting is missing, or left empty.
    package func node(_ name: String) -> SettingNode? {
        known.append(name)
        return settings[name].flatMap { $0.isNull ? nil : $0 }
    }

    /// Makes an error about a node of the settings.
    package func error(at node: SettingNode, _ reason: String) -> SettingsError {
        SettingsError(settings.prefix(line: node.line) + reason)
    }

    /// Reads all settings, and refuses an unknown name before anything else: a setting that is missing may be there under a wrong name.
    ///
    /// - Parameters:
    ///   - names: All names that there are, as far as they are known without these settings.
    ///   - body: Reads the settings, and throws a ``SettingsError`` for what is missing or wrong.
    /// - Throws: ``SettingsError`` for an unknown name; else what the body throws.
    package func reading<Result>(
        _ names: @autoclosure () -> [String], _ body: (SettingsReader) throws -> Result
    ) throws -> Result {
        do { return try body(self) } catch let error as SettingsError {
            try settings.refuse(allBut: known + names())
            throw error
        }
    }

    /// The names that reading complete settings asks for.
    ///
    /// - Parameters:
    ///   - settings: What must be there.
    ///   - body: Reads the settings.
    package static func names(
        of settings: Settings, _ body: (SettingsReader) throws -> Void
    ) -> [String] {
        let locator = ResourceLocator(
            model: { name, _ in URL(filePath: name) }, data: { name, _ in URL(filePath: name) })
        let reader = SettingsReader(settings, locator: locator)
        try? body(reader)
        return reader.known
    }

    /// Refuses settings that nothing has read.
    ///
    /// - Parameter names: The names of settings that the caller reads itself.
    /// - Throws: ``SettingsError`` for the first name that nothing has read.
    package func finish(allowing names: [String] = []) throws { try settings.refuse(allBut: known + names) }
}
