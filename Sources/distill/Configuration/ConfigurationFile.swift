import Distillation
import Files
import Foundation
import Yams

/// A YAML file of settings: names in snake case, one value each.
struct ConfigurationFile {
    let path: String
    private let entries: [(name: String, node: Node, line: Int)]

    init(path: String) throws {
        try self.init(text: Self.text(of: path), path: path)
    }

    /// The text of a configuration file.
    static func text(of path: String) throws -> String {
        let file = try MappedFile(URL(filePath: path))
        guard file.count <= SettingsYAML.largest else {
            throw UsageError(
                "\(path): has \(file.count) bytes; settings have at most \(SettingsYAML.largest)")
        }
        let isMarked = file.bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes.dropFirst(isMarked ? 3 : 0))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw UsageError("\(path): the bytes are not UTF-8; save the file as UTF-8")
        }
        return text
    }

    init(text: String, path: String) throws {
        self.path = path
        let root: Node?
        do { root = try SettingsYAML.compose(text) } catch let error as DistillationError {
            throw UsageError("\(path): \(error)")
        } catch {
            throw UsageError("\(path): this is not YAML: \(Self.short(Self.reason(error)))")
        }
        guard let root, root.null == nil else {
            entries = []
            return
        }
        guard let mapping = root.mapping else {
            throw UsageError(
                "\(path), line \(root.mark?.line ?? 1): settings must be written as 'name: value' lines")
        }
        entries = try mapping.map { key, node in
            let line = key.mark?.line ?? 1
            guard let name = key.string else {
                throw UsageError("\(path), line \(line): a setting's name must be a word")
            }
            return (name, node, line)
        }
    }

    /// A setting's value; `nil` where the file does not have it, or leaves it empty.
    func value<Value: SettingValue>(_ name: String, as type: Value.Type) throws -> Value? {
        guard let entry = entries.first(where: { $0.name == name }), entry.node.null == nil else {
            return nil
        }
        guard let value = Value(setting: entry.node) else {
            let written =
                (try? Yams.serialize(node: entry.node)).map { Self.short(Self.oneLine($0)) }
                ?? "something else"
            throw UsageError(
                "\(path), line \(entry.line): \(name) must be \(Value.settingDescription), got \(written)")
        }
        return value
    }

    /// A setting's node; `nil` where the file does not have it, or leaves it empty.
    func node(_ name: String) -> Node? {
        entries.first { $0.name == name && $0.node.null == nil }?.node
    }

    func refuse(allBut known: [String]) throws {
        guard let unknown = entries.first(where: { !known.contains($0.name) }) else { return }
        let hint = Suggestion.nearest(to: unknown.name, among: known).map { "did you mean \($0)?" }
        throw UsageError(
            "\(path), line \(unknown.line): there is no setting '\(Self.short(unknown.name))'; "
                + (hint ?? "the settings are \(known.sorted().joined(separator: ", "))"))
    }

    private static func short(_ text: String) -> String {
        text.unicodeScalars.count <= 200
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(199))) + "…"
    }

    /// What is wrong and where, without the lines around it, which may be long.
    private static func reason(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = context.map { oneLine($0.description) + ": " } ?? ""
            return "line \(mark.line), column \(mark.column): \(place)\(oneLine(problem))"
        default: return oneLine(String(describing: error))
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
