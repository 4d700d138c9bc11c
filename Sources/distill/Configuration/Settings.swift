import Foundation
import Yams

/// The settings of a run: flags first, then the configuration file, then defaults.
///
/// Every setting is read by the name it has in the file; the flag has the same name with hyphens. Reading a setting
/// also makes its name known, so that ``finish()`` can refuse names that nothing read.
final class Settings {
    private let file: ConfigurationFile?
    private var known: [String] = []

    /// - Parameter path: A configuration file; `nil` for none.
    /// - Throws: ``UsageError`` for a file that is not YAML, `FileError` for one that cannot be read.
    init(configuration path: String?) throws { file = try path.map { try ConfigurationFile(path: $0) } }

    init(file: ConfigurationFile?) { self.file = file }

    /// The setting, where flag or file give it.
    func value<Value: SettingValue>(_ name: String, _ flag: Value?) throws -> Value? {
        known.append(name)
        // A wrong value in the file is an error even where a flag overrides it.
        let written = try file?.value(name, as: Value.self)
        return flag ?? written
    }

    func assign<Value: SettingValue>(_ name: String, _ flag: Value?, to place: inout Value) throws {
        if let value = try value(name, flag) { place = value }
    }

    func assign<Value: SettingValue>(_ name: String, _ flag: Value?, to place: inout Value?) throws {
        if let value = try value(name, flag) { place = value }
    }

    /// A setting that is a list, where flags or file give it.
    ///
    /// - Parameter parse: Makes an element of the file's node.
    func list<Element>(
        _ name: String, _ flags: [Element], _ parse: (Node) throws -> Element
    ) throws -> [Element] {
        known.append(name)
        let written = try file?.list(name, parse)
        return flags.isEmpty ? written ?? [] : flags
    }

    /// - Throws: ``UsageError`` where neither flag nor file give it.
    func required<Value: SettingValue>(_ name: String, _ flag: Value?) throws -> Value {
        if let value = try value(name, flag) { return value }
        let option = "--" + name.replacing("_", with: "-")
        throw UsageError(
            file.map { "\($0.path): there is no \(name); add it, or give \(option)" }
                ?? "\(option) is missing; give it, or a file with it as --config")
    }

    /// Makes a name known that somebody else reads.
    func ignore(_ name: String) { known.append(name) }

    /// - Throws: ``UsageError`` for the first name in the file that nothing has read.
    func finish() throws { try file?.refuse(allBut: known) }
}
