extension SettingNode: Codable {
    /// Reads a text, a list or an object.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.init(text)
        } else if let nodes = try? container.decode([SettingNode].self) {
            self.init(nodes)
        } else {
            let fields = try container.decode([String: SettingNode].self)
            self.init(
                .mapping(
                    fields.sorted { $0.key < $1.key }.map { (SettingNode($0.key), $0.value) }, isFlow: true))
        }
    }

    /// Writes every scalar as a text, so that numbers come back as they were written.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch content {
        case .scalar(let text, _): try container.encode(text)
        case .list(let nodes, _): try container.encode(nodes)
        case .mapping(let pairs, _):
            try container.encode(
                Dictionary(pairs.map { ($0.key.text ?? "", $0.value) }) { first, _ in first })
        }
    }
}
