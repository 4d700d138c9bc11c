import JSON

/// The usual names of the parts of a query with documents, and the columns that were chosen instead.
struct RankingKeys {
    static let queries = [
        "query", "question", "anchor", "sentence1", "text1", "premise", "text_a", "text", "sentence",
    ]
    static let single = [
        "document", "passage", "doc", "answer", "response", "sentence2", "text2", "hypothesis", "text_b",
        "text_pair",
        "positive",
    ]
    static let lists = ["documents", "docs", "passages", "candidates"]
    static let labels = ["labels", "label", "relevance", "relevances"]
    static let scores = ["scores", "score", "teacher_scores", "teacher_score"]
    /// Of pairs without a label: how alike two texts are.
    static let similarities = ["score", "similarity_score", "similarity", "relatedness_score"]
    static let differences = [
        "score", "scores", "label", "labels", "margin", "score_diff", "score_difference",
    ]

    var options: RankingStream.Options

    /// The text of a key.
    ///
    /// - Throws: ``RankingError`` for another value, and for an empty text.
    static func text(_ key: String, _ object: JSONObject) throws -> String {
        guard let value = object[key], let text = value.stringValue else {
            throw RankingError("'\(shown(key))' must be a text, got \(object[key]?.typeName ?? "nothing")")
        }
        guard !isBlank(text) else {
            throw RankingError("'\(shown(key))' is empty; remove the row or fill it")
        }
        return text
    }

    /// The texts of a list, also of one in a table's cell; of a single text that one.
    static func texts(_ key: String, _ object: JSONObject) throws -> [String] {
        guard let value = object[key].map(ScoreValue.parsed), !value.isNull else { return [] }
        if let text = value.stringValue { return try [Self.text(key, [key: .string(text)])] }
        guard let elements = value.arrayValue else {
            throw RankingError("'\(shown(key))' must be a list of texts, got \(value.typeName)")
        }
        return try elements.map { element in
            guard let text = element.stringValue else {
                throw RankingError("'\(shown(key))' must hold texts alone, got \(element.typeName)")
            }
            guard !isBlank(text) else {
                throw RankingError("'\(shown(key))' holds an empty text; remove it or fill it")
            }
            return text
        }
    }

    /// The numbers of a key: of a list, one, or none where the value is null or an empty cell.
    static func numbers(_ key: String, _ object: JSONObject) throws -> [Float?]? {
        guard let value = object[key].map(ScoreValue.parsed), !value.isNull, value.stringValue != "" else {
            return nil
        }
        return try (value.arrayValue ?? [value]).map { element in
            if element.isNull { return nil }
            guard let number = ScoreValue.number(element), Float(number).isFinite else {
                throw RankingError(
                    "'\(shown(key))' must be a number or a list of numbers, got '\(shown(element.serialized()))'"
                )
            }
            return Float(number)
        }
    }

    /// The first of some keys that an object has.
    static func first(_ keys: [String], _ object: JSONObject) -> String? { keys.first { object[$0] != nil } }

    /// The key of labels: the chosen one, or a usual one.
    func label(_ object: JSONObject) throws -> String? {
        guard let chosen = options.labelColumn else {
            return Self.labels.first { object[$0] != nil && $0 != options.scoresColumn }
        }
        return try required(chosen, object, "--label-column")
    }

    /// The key of a teacher's scores: the chosen one, or a usual one that is not the labels'.
    func score(_ object: JSONObject) throws -> String? {
        guard let chosen = options.scoresColumn else {
            let label = try label(object)
            return Self.scores.first { object[$0] != nil && $0 != label }
        }
        return try required(chosen, object, "--scores-column")
    }

    /// The key of the query.
    func query(_ object: JSONObject) throws -> String {
        if let chosen = options.textColumn { return try required(chosen, object, "--text-column") }
        guard let key = Self.first(Self.queries, object) else {
            throw RankingError(
                "no key has a usual name for the query (\(Self.queries.prefix(3).joined(separator: ", "))); the keys are "
                    + "\(list(Array(object.keys))); choose one with --text-column")
        }
        return key
    }

    /// - Throws: ``RankingError``, which lists the keys, where the object does not have one.
    func required(_ key: String, _ object: JSONObject, _ option: String) throws -> String {
        guard object[key] == nil else { return key }
        throw RankingError(
            "there is no '\(shown(key))'; the keys are \(list(Array(object.keys))); choose one with \(option)"
        )
    }
}
