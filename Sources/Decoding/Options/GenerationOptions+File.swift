import JSON
import Storage

extension GenerationOptions {
    package static let fileName = "generation_config.json"

    /// Reads a model directory's `generation_config.json`, as transformers takes it: without `do_sample` the most probable token is
    /// taken, with it `top_k` is 50 unless it is said. Where there is none, or no `eos_token_id` in it, that of `config.json` counts.
    /// `max_length`, which counts the prompt too, is not read.
    ///
    /// - Parameter directory: The model's directory.
    /// - Throws: ``GenerationError`` for a field that is out of range, or that would change what is generated and is not supported;
    ///   `JSONError` for a file that cannot be read.
    public init(directory: some FileLocation) throws {
        self.init()
        func object(_ name: String) throws -> GenerationFields? {
            let path = directory.entry(name)
            guard path.fileExists else { return nil }
            guard let object = try JSONValue.load(contentsOf: path, dialect: .python).objectValue else {
                throw GenerationError("\(path): must be a JSON object; copy the file of the original model")
            }
            return GenerationFields(object: object, path: path)
        }
        if let fields = try object(Self.fileName) { try read(fields) }
        if stopTokenIDs.isEmpty, let fields = try object("config.json") {
            stopTokenIDs = try fields.tokens("eos_token_id")
        }
    }

    /// The options of a model whose `config.json` has these fields.
    package init(configuration: JSONObject, path: String) throws {
        self.init()
        stopTokenIDs = try GenerationFields(object: configuration, path: path).tokens("eos_token_id")
    }

    private mutating func read(_ fields: GenerationFields) throws {
        for (name, neutral) in Self.unsupported {
            guard let value = fields[name], !neutral.contains(value) else { continue }
            throw fields.error(name, "is not supported; remove it from the file")
        }
        stopTokenIDs = try fields.tokens("eos_token_id")
        stopStrings = try fields.strings("stop_strings")
        maxNewTokens = try fields.integer("max_new_tokens", least: 1) ?? maxNewTokens
        repetitionPenalty =
            try fields.number("repetition_penalty", "above 0") { $0 > 0 } ?? repetitionPenalty
        guard try fields.boolean("do_sample") else { return }
        temperature = try fields.number("temperature", "above 0") { $0 > 0 } ?? 1
        let count = try fields.integer("top_k", least: 0) ?? 50
        topK = count == 0 ? nil : count
        topP = try fields.number("top_p", "above 0 and at most 1") { $0 > 0 && $0 <= 1 } ?? 1
        minP = try fields.number("min_p", "from 0 to 1") { $0 >= 0 && $0 <= 1 } ?? 0
    }

    /// Fields of transformers 5 that change what is generated, with the values that do not.
    private static let unsupported: [(String, [JSONValue])] = [
        ("num_beams", [1]), ("num_beam_groups", [1]), ("penalty_alpha", [0, 0.0]), ("dola_layers", []),
        ("no_repeat_ngram_size", [0]), ("bad_words_ids", []), ("force_words_ids", []), ("constraints", []),
        ("forced_bos_token_id", []), ("forced_eos_token_id", []), ("suppress_tokens", [[]]),
        ("begin_suppress_tokens", [[]]), ("sequence_bias", []), ("guidance_scale", [1, 1.0]),
        ("min_length", [0]), ("min_new_tokens", [0]), ("typical_p", [1, 1.0]),
        ("epsilon_cutoff", [0, 0.0]), ("eta_cutoff", [0, 0.0]), ("top_h", []),
        ("exponential_decay_length_penalty", []), ("watermarking_config", []), ("token_healing", [false]),
        ("diversity_penalty", [0, 0.0]),
    ]
}

/// Fields of a model's file; those that are null are not there.
struct GenerationFields {
    let object: JSONObject
    let path: String

    subscript(name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func error(_ name: String, _ problem: String) -> GenerationError {
        let value = object[name]?.serialized() ?? "null"
        let shown = value.count > 60 ? value.prefix(60) + "…" : value[...]
        return GenerationError("\(path): \"\(name)\" (\(shown)) \(problem)")
    }

    func boolean(_ name: String) throws -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.boolValue else { throw error(name, "must be true or false") }
        return flag
    }

    func integer(_ name: String, least: Int) throws -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.intValue, number >= least else {
            throw error(name, "must be a whole number of at least \(least)")
        }
        return number
    }

    func number(_ name: String, _ range: String, where holds: (Double) -> Bool) throws -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.doubleValue, number.isFinite, holds(number) else {
            throw error(name, "must be a number \(range)")
        }
        return number
    }

    /// A token's id or a list of them.
    func tokens(_ name: String) throws -> [Int32] {
        guard let value = self[name] else { return [] }
        return try (value.arrayValue ?? [value]).map {
            guard let id = $0.intValue, let token = Int32(exactly: id), token >= 0 else {
                throw error(name, "must be a token's id, or a list of them")
            }
            return token
        }
    }

    /// A string or a list of them.
    func strings(_ name: String) throws -> [String] {
        guard let value = self[name] else { return [] }
        return try (value.arrayValue ?? [value]).map {
            guard let text = $0.stringValue, !text.isEmpty else {
                throw error(name, "must be a string, or a list of them, none empty")
            }
            return text
        }
    }
}
