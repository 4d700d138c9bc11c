import Files
import Foundation
import Yams

extension Settings {
    /// Reads a configuration file: YAML with names in snake case, one value each; or a run's report (`distillation.json`,
    /// `training.json`), to make the run again.
    ///
    /// - Parameter file: The file.
    /// - Throws: ``SettingsError`` for a file that is not YAML, `FileError` for one that cannot be read.
    public init(contentsOf file: URL) throws { try self.init(path: file.path) }

    /// Reads a configuration file.
    ///
    /// - Parameter path: The file's path as the user wrote it, with which errors begin; `nil` for no file.
    package init(path: String?) throws {
        guard let path else {
            self.init()
            return
        }
        let text = try Self.text(of: path)
        if let settings = try Self(report: text, path: path) {
            self = settings
        } else {
            try self.init(yaml: text, path: path)
        }
    }

    private static func text(of path: String) throws -> String {
        let file = try MappedFile(URL(filePath: path))
        guard file.count <= (path.hasSuffix(".json") ? largestReport : SettingsYAML.largest) else {
            throw SettingsError(
                "\(path): has \(file.count) bytes; settings have at most \(SettingsYAML.largest)")
        }
        let bytes = UnsafeRawBufferPointer(
            rebasing: file.bytes.dropFirst(ByteOrderMark.length(in: file.bytes)))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SettingsError("\(path): the bytes are not UTF-8; save the file as UTF-8")
        }
        return text
    }

    /// Reads the settings in a text.
    ///
    /// - Parameters:
    ///   - text: YAML.
    ///   - path: The file that errors name.
    /// - Throws: ``SettingsError`` for what is not YAML, or not settings.
    package init(yaml text: String, path: String) throws {
        let root: Node?
        do { root = try SettingsYAML.compose(text) } catch let error as DistillationError {
            throw SettingsError("\(path): \(error)")
        } catch {
            throw SettingsError("\(path): this is not YAML: \(Self.short(Self.reason(error)))")
        }
        guard let root, root.null == nil else {
            self.init(entries: [], path: path)
            return
        }
        guard let mapping = root.mapping else {
            throw SettingsError(
                "\(path), line \(root.mark?.line ?? 1): settings must be written as 'name: value' lines")
        }
        let entries = try mapping.map { key, node in
            let line = key.mark?.line ?? 1
            guard let name = key.string else {
                throw SettingsError("\(path), line \(line): a setting's name must be a word")
            }
            return Entry(key: SettingNode(key), name: name, node: SettingNode(node), line: line)
        }
        self.init(entries: entries, path: path)
    }

    /// The settings as a configuration file, in their order.
    ///
    /// - Parameter comments: Lines to begin with, without `#`.
    public func yaml(comments: [String] = []) throws -> String {
        let head = comments.map { line in
            "# " + line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
        }.joined()
        let entries = merged().entries
        guard !entries.isEmpty else { return head }
        let mapping = Node.Mapping(entries.map { ($0.key.yaml, $0.node.inFlow.yaml) })
        return head + (try Yams.serialize(node: .mapping(mapping), width: -1, allowUnicode: true))
    }

    // MARK: - Texts of errors

    /// Shortens a text to fit a line.
    static func short(_ text: String) -> String {
        text.unicodeScalars.count <= 200
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(199))) + "…"
    }

    /// Removes a text's line ends.
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The problem and its position, without the lines around it, which may be long.
    private static func reason(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let description = context.map { oneLine($0.description) + ": " } ?? ""
            return "line \(mark.line), column \(mark.column): \(description)\(oneLine(problem))"
        default: return oneLine(String(describing: error))
        }
    }
}
