import Distillation
import Foundation
import Yams

/// A configuration file of `distill tune`: the settings of `run`, those of the search, and `search:` with the values.
struct TuneFile {
    /// The settings of the search; the others in the file are those of `run`.
    static let ownNames = [
        "search", "strategy", "trials", "folds", "metric", "direction", "eta", "min_budget", "refit", "axes",
    ]
    /// What a trial must not change: where a run writes is the search's own affair.
    static let fixedNames = ownNames + ["output", "overwrite", "logging_dir", "config"]

    let path: String
    /// All settings as any other command reads them.
    let settings: ConfigurationFile
    private let entries: [(key: Node, value: Node)]

    init(path: String) throws {
        try self.init(text: ConfigurationFile.text(of: path), path: path)
    }

    init(text: String, path: String) throws {
        self.path = path
        // Refuses what is not YAML, or not settings.
        settings = try ConfigurationFile(text: text, path: path)
        let root = try? Yams.compose(yaml: text)
        entries = root?.mapping.map { $0.map { (key: $0.key, value: $0.value) } } ?? []
    }

    // MARK: - The search

    /// The settings under `search:`, in their order.
    ///
    /// - Throws: ``UsageError`` that names the line, the setting and what is wrong.
    func dimensions() throws -> [SearchDimension] {
        guard let search = entries.first(where: { $0.key.string == "search" })?.value, search.null == nil
        else { return [] }
        guard let mapping = search.mapping else {
            throw error(
                search, "search must hold a setting and its values a line, such as 'temperature: [1, 2, 4]'")
        }
        return try mapping.map { key, node in
            guard let name = key.string else { throw error(key, "a setting's name must be a word") }
            do {
                return try dimension(name, node)
            } catch let reason as DistillationError { throw error(key, reason.description) }
        }
    }

    private func dimension(_ name: String, _ node: Node) throws -> SearchDimension {
        if let scalar = node.scalar {
            return try SearchDimension(name: name, parsing: node.null == nil ? scalar.string : "")
        }
        guard let sequence = node.sequence else {
            throw DistillationError("search: \(name): must be a list of values or a range, not a mapping")
        }
        let values = try sequence.map { item in
            guard let text = YAMLText.text(item) else {
                throw DistillationError(
                    "search: \(name): a value must be a number, a text or a list, not a mapping")
            }
            let value = SearchValue(text)
            // Quotes that were in the file are needed where the text alone is not one value.
            guard !value.isWhole, let scalar = item.scalar, scalar.style != .plain else { return value }
            return SearchValue(YAMLText.quoted(scalar) ?? text)
        }
        return try SearchDimension(name: name, domain: .choice(values))
    }

    private func error(_ node: Node, _ reason: String) -> UsageError {
        UsageError("\(path), line \(node.mark?.line ?? 1): \(reason)")
    }

    // MARK: - A run's settings

    /// The settings of `run` as YAML, in the file's order, with some of them replaced or added.
    ///
    /// - Parameters:
    ///   - values: Settings and their values, in the order in which new ones are added.
    ///   - comments: Lines to begin with, without `#`.
    func runText(with values: [(name: String, value: String)] = [], comments: [String] = []) throws -> String
    {
        var pairs = entries.filter { entry in
            entry.key.string.map { !Self.ownNames.contains($0) } ?? true
        }
        for (name, value) in values {
            let node = YAMLText.node(value)
            if let place = pairs.firstIndex(where: { $0.key.string == name }) {
                pairs[place].value = node
            } else {
                pairs.append((key: Node(name), value: node))
            }
        }
        let head = comments.map { line in
            "# " + line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
        }.joined()
        guard !pairs.isEmpty else { return head }
        let mapping = Node.Mapping(pairs.map { ($0.key, YAMLText.inFlow($0.value)) })
        return head + (try Yams.serialize(node: .mapping(mapping), width: -1, allowUnicode: true))
    }

    /// The configuration of a run with some settings replaced or added, whose errors name these.
    ///
    /// - Parameter values: Settings and their values.
    func runConfiguration(with values: [(name: String, value: String)]) throws -> ConfigurationFile {
        let changes = values.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        return try ConfigurationFile(
            text: try runText(with: values), path: changes.isEmpty ? path : "\(path) with \(changes)")
    }
}
