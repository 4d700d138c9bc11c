import Distillation

/// A setting that is searched, with the domain of its values.
public struct SearchDimension: Sendable, Equatable {
    /// The setting's name in a configuration file, such as `learning_rate`.
    public let name: String

    /// The values among which it is searched.
    public let domain: SearchDomain

    /// Creates the dimension of a setting.
    ///
    /// - Parameters:
    ///   - name: The setting's name; hyphens, as in an option, count as underscores.
    ///   - domain: The values among which it is searched.
    /// - Throws: `DistillationError` that names the setting: for a list that is empty or has a value twice, and for a
    ///   range without numbers in it.
    public init(name: String, domain: SearchDomain) throws {
        let plain = name.replacing("-", with: "_")
        guard let first = plain.unicodeScalars.first, ("a"..."z").contains(first),
            plain.unicodeScalars.allSatisfy({
                ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
            })
        else {
            throw DistillationError(
                "search: '\(name)' is not a setting's name; write it as in a configuration file, such as "
                    + "learning_rate")
        }
        self.name = plain
        self.domain = domain
        try validate()
    }

    private func validate() throws {
        switch domain {
        case .choice(let values):
            guard !values.isEmpty else { throw error("the list is empty; give at least one value") }
            for (index, value) in values.enumerated() {
                guard !value.text.isEmpty else { throw error("a value is empty; remove a comma") }
                guard value.isWhole else {
                    throw error(
                        "the value '\(value)' has brackets that do not close, or a comma; put quotes around it"
                    )
                }
                if let other = values[..<index].first(where: { $0.isSame(as: value) }) {
                    let same = other.text == value.text ? "" : " (as \(other))"
                    throw error("\(value) is there twice\(same); remove one")
                }
            }
        case .uniform(let low, let high): try validate(low, high)
        case .logUniform(let low, let high):
            try validate(low, high)
            guard low > 0 else { throw error("loguniform needs numbers above 0, got \(low)") }
        case .int(let low, let high):
            guard low < high else { throw error("int needs low < high, got \(low) and \(high)") }
        }
    }

    private func validate(_ low: Double, _ high: Double) throws {
        guard low.isFinite, high.isFinite, (high - low).isFinite else {
            throw error("\(domain) needs finite numbers")
        }
        guard low < high else { throw error("\(domain) needs low < high") }
    }

    /// Makes an error about this setting.
    func error(_ reason: String) -> DistillationError { DistillationError("search: \(name): \(reason)") }
}

/// In JSON the values are a text of the grammar, so that a report can be read as a person wrote the search.
extension SearchDimension: Codable {
    private enum CodingKeys: String, CodingKey { case name, values }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            name: container.decode(String.self, forKey: .name),
            parsing: container.decode(String.self, forKey: .values))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(domain.description, forKey: .values)
    }
}
