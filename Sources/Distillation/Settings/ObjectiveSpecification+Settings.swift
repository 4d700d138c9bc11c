extension SettingNode {
    /// The node as the text that the command line accepts: lists with commas, pairs with colons.
    var optionText: String? {
        if let text { return text }
        guard let list else { return nil }
        let parts = list.map { element -> String? in
            if let pair = element.list {
                let sides = pair.compactMap(\.text)
                return sides.count == pair.count ? sides.joined(separator: ":") : nil
            }
            return element.text
        }
        return parts.contains { $0 == nil } ? nil : parts.compactMap(\.self).joined(separator: ", ")
    }

    /// The entries of a mapping, as names and nodes.
    ///
    /// - Parameter what: The thing that the mapping describes, for an error.
    func fields(of what: String) throws -> [(name: String, node: SettingNode)] {
        guard let mapping else { throw SettingsError("\(what) must be written as 'name: value' lines") }
        return try mapping.map { key, value in
            guard let name = key.text else {
                throw SettingsError("\(what): a setting's name must be a word")
            }
            return (name, value)
        }
    }
}

extension ObjectiveSpecification {
    /// The objective of a setting: its text, or a mapping with `name`, `weight` and its options.
    init(setting node: SettingNode) throws {
        self = try SettingsError.checking {
            if let text = node.text { return try ObjectiveSpecification(text: text) }
            var fields = try node.fields(of: "an objective")
            guard let index = fields.firstIndex(where: { $0.name == "name" }),
                let name = fields.remove(at: index).node.text
            else { throw SettingsError("an objective has no name; add 'name: kl', or another") }
            return try ObjectiveSpecification(
                name: name,
                fields: fields.map { field in
                    guard let text = field.node.optionText else {
                        throw SettingsError("objective \(name): \(field.name) must be a value or a list")
                    }
                    return (field.name, text)
                })
        }
    }
}
