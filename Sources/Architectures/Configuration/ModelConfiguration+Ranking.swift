import JSON

/// What makes a sequence classifier of one label a cross-encoder: the activation that sentence-transformers keeps in `config.json`.
extension ModelConfiguration {
    /// The object of sentence-transformers from version 4 on, and the key in it.
    private static let object = "sentence_transformers"
    private static let key = "activation_fn"
    /// The key of earlier versions.
    private static let earlierKey = "sbert_ce_default_activation_function"

    /// Reads the activation of a model with one label; `nil` where the file names none, or there are more labels.
    ///
    /// - Throws: ``ArchitectureError`` for a function that is not known.
    static func scoreActivation(_ reader: ConfigurationReader, labels: Int) throws -> ScoreActivation? {
        guard labels == 1 else { return nil }
        let own = reader.optional(object)?.objectValue?[key]
        for (name, value) in [("\(object).\(key)", own), (earlierKey, reader.optional(earlierKey))] {
            guard let value, !value.isNull else { continue }
            guard let activation = value.stringValue.flatMap(ScoreActivation.init(className:)) else {
                let known = ScoreActivation.allCases.map(\.className).joined(separator: ", ")
                throw reader.error(name, "must be one of \(known)", value)
            }
            return activation
        }
        return nil
    }

    /// Writes the activation under both keys, or removes them from a model that is no cross-encoder any more.
    func writeActivation(to json: inout JSONObject) {
        guard task == .ranking else {
            // Of several labels they belong to a classifier that sentence-transformers opens too.
            if labelNames.count == 1 { removeActivation(from: &json) }
            return
        }
        let name = JSONValue.string((scoreActivation ?? .identity).className)
        var own = json[Self.object]?.objectValue ?? [:]
        own[Self.key] = name
        json[Self.object] = .object(own)
        json[Self.earlierKey] = name
        json["problem_type"] = nil
    }

    /// Removes both keys.
    func removeActivation(from json: inout JSONObject) {
        json[Self.earlierKey] = nil
        if json[Self.object]?.objectValue?[Self.key] != nil { json[Self.object] = nil }
    }
}
