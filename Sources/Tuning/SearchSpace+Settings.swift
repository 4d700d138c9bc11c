import Distillation

extension SearchSpace {
    /// The settings under `search`, each with its values, in their order.
    ///
    /// - Parameter options: Dimensions that replace settings of the same names, or come after them.
    /// - Throws: `SettingsError` that names the line, the setting and what is wrong; `DistillationError` where there is
    ///   nothing to search, or one of `options` is there twice.
    init(_ reader: SettingsReader, options: [SearchDimension] = []) throws {
        // A setting that the options have twice is an error of its own.
        if !options.isEmpty { _ = try SearchSpace(options) }
        let kept = try Self.dimensions(reader).map { dimension in
            options.first { $0.name == dimension.name } ?? dimension
        }
        let added = options.filter { option in !kept.contains { $0.name == option.name } }
        try self.init(kept + added)
    }

    private static func dimensions(_ reader: SettingsReader) throws -> [SearchDimension] {
        guard let search = reader.node("search") else { return [] }
        guard let mapping = search.mapping else {
            throw reader.error(
                at: search,
                "search must hold a setting and its values a line, such as 'temperature: [1, 2, 4]'")
        }
        return try mapping.map { key, node in
            guard let name = key.text else {
                throw reader.error(at: key, "a setting's name must be a word")
            }
            do {
                return try SearchDimension(name: name, setting: node)
            } catch let reason as DistillationError { throw reader.error(at: key, reason.description) }
        }
    }
}

extension SearchDimension {
    /// A setting and its values: a list of them, or a text of the grammar.
    fileprivate init(name: String, setting node: SettingNode) throws {
        if let text = node.text {
            try self.init(name: name, parsing: node.isNull ? "" : text)
            return
        }
        guard let list = node.list else {
            throw DistillationError("search: \(name): must be a list of values or a range, not a mapping")
        }
        let values = try list.map { item in
            guard let text = item.inlineText() else {
                throw DistillationError(
                    "search: \(name): a value must be a number, a text or a list, not a mapping")
            }
            let value = SearchValue(text)
            // Quotes in the file are needed where the text alone is not one value.
            guard !value.isWhole, item.isQuoted else { return value }
            return SearchValue(item.quotedText ?? text)
        }
        try self.init(name: name, domain: .choice(values))
    }
}
