import JSON

/// The known kinds of one stage of a tokenizer, by the `type` that `tokenizer.json` gives.
///
/// A new kind is a file that holds it and a line in its stage's registry.
struct StageRegistry<Stage> {
    /// The stage's key in `tokenizer.json`.
    let part: String
    let stages: [String: (StageConfiguration) throws -> Stage]

    /// Makes a stage as `tokenizer.json` describes it.
    ///
    /// - Parameter defaultType: the type of a description that names none.
    /// - Returns: the stage, or `nil` if the file has none.
    func make(from tokenizer: StageConfiguration, defaultType: String? = nil) throws -> Stage? {
        guard let configuration = try tokenizer.optionalObject(part) else { return nil }
        return try make(configuration, part: part, defaultType: defaultType)
    }

    /// Makes the stages of a list, such as that of a `Sequence`.
    func makeAll(from configuration: StageConfiguration, key: String) throws -> [Stage] {
        _ = try configuration.array(key)
        return try configuration.objects(key).map { try make($0, part: $0.path, defaultType: nil) }
    }

    private func make(_ configuration: StageConfiguration, part: String, defaultType: String?) throws -> Stage
    {
        let type = try configuration.optionalString("type") ?? defaultType
        guard let type else {
            throw configuration.malformed("type", "missing; say which kind of \(part) this is")
        }
        guard let make = stages[type] else {
            throw TokenizerError.unsupported(
                file: configuration.file, part: part, type: type, supported: stages.keys.sorted())
        }
        return try make(configuration)
    }
}
