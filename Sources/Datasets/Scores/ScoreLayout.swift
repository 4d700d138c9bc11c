import JSON

/// Where the scores of a file's rows are, and in which form: what the first row shows holds for all.
struct ScoreLayout: Equatable {
    let form: ScoreForm
    /// The key of the scores; empty where a row is a list itself, and of ``ScoreForm/columns`` the beginning of the names.
    let key: String
    let meaning: ScoreMeaning
    /// The keys of the columns, for ``ScoreForm/columns``.
    var columns: [String] = []
    /// The key of the confidence, for ``ScoreForm/label``.
    var confidence = ""
}

extension ScoreLayout {
    /// The keys under which scores usually are.
    private static let keys = [
        "", "logits", "logprobs", "log_probs", "top_logprobs", "probabilities", "probs", "pred_probs",
        "scores",
        "predictions", "prediction", "teacher_scores", "teacher_logits", "soft_labels", "votes",
        "annotations",
        "choices", "response",
    ]
    /// The beginnings of the names of columns for classes.
    private static let prefixes = [
        "score_", "scores_", "prob_", "probs_", "probability_", "proba_", "p_", "logit_", "logits_",
        "logprob_",
    ]
    /// Returns true for the usual name of a key of scores, or of a column of one class.
    static func isUsual(_ name: String) -> Bool {
        keys.contains(name) || prefixes.contains { name.hasPrefix($0) && name.utf8.count > $0.utf8.count }
    }
    /// The keys of a list's names and numbers.
    static let labelKeys = ["label", "class", "name"]
    static let scoreKeys = ["score", "confidence", "probability", "prob"]

    /// - Parameters:
    ///   - object: The first row.
    ///   - column: The key or column that holds the scores; `nil` finds it.
    /// - Throws: ``ScoreError`` where there are no scores, or where it is not plain which are meant.
    init(_ object: JSONObject, column: String?) throws {
        if let column {
            self = try Self.named(column, object)
            return
        }
        let found = Self.keys.compactMap { Self.layout(of: $0, in: object, isNamed: false) }
        let groups = Self.prefixes.compactMap { Self.columns($0, in: object) }
        let all = found + groups
        guard all.count < 2 else {
            throw ScoreError(
                "there are scores under \(list(all.map { "'\($0.key)'" })); choose one with --scores-column")
        }
        if let one = all.first {
            self = one
        } else if let single = Self.single(object, nil) {
            self = single
        } else {
            throw ScoreError(Self.unknown(object))
        }
    }

    private static func named(_ column: String, _ object: JSONObject) throws -> ScoreLayout {
        if let found = layout(of: column, in: object, isNamed: true) ?? columns(column + "_", in: object)
            ?? columns(column, in: object) ?? single(object, column)
        {
            return found
        }
        guard object[column] == nil else {
            throw ScoreError(
                "'\(shown(column))' holds no scores; they are a list of label and score, an object of labels and scores, an array, "
                    + "or one number beside a label")
        }
        throw ScoreError(
            "there is no '\(shown(column))'; the keys are \(list(object.keys)); choose one with --scores-column"
        )
    }

    private static func unknown(_ object: JSONObject) -> String {
        if object.count == 1, let delimiter = [";", "\t", "|"].first(where: object.keys[0].contains) {
            return
                "there is one column, '\(shown(object.keys[0]))'; name the delimiter: --delimiter '\(delimiter == "\t" ? "\\t" : delimiter)'"
        }
        return
            "no scores were found under the keys \(list(object.keys)); give logits, probabilities or scores (an array, an object of "
            + "labels, or a list of label and score), columns such as score_LABEL, label with score, or votes; or name the key "
            + "with --scores-column"
    }

    // MARK: - Forms

    private static func layout(of key: String, in object: JSONObject, isNamed: Bool) -> ScoreLayout? {
        guard let value = object[key].map(ScoreValue.parsed), let form = form(of: value, key, object, isNamed)
        else { return nil }
        let meaning: ScoreMeaning =
            form == .tokens ? .logProbabilities : form == .votes ? .unstated : .ofKey(key)
        return ScoreLayout(form: form, key: key, meaning: meaning)
    }

    private static func form(
        of value: JSONValue, _ key: String, _ object: JSONObject, _ isNamed: Bool
    ) -> ScoreForm? {
        let isVotes = key == "votes" || key == "annotations"
        if ["choices", "response", "top_logprobs"].contains(key) || value.objectValue?["content"] != nil {
            return ScoreValue.tokens(value) == nil ? nil : .tokens
        }
        if let members = value.objectValue {
            guard !members.isEmpty, members.values.allSatisfy({ ScoreValue.number($0) != nil }) else {
                return nil
            }
            return isVotes ? .votes : .object
        }
        guard let elements = value.arrayValue, let first = elements.first else { return nil }
        if elements.allSatisfy({ ScoreValue.isNumber($0) }), !isVotes {
            let labels = object["labels"].map(ScoreValue.parsed)?.arrayValue
            return labels?.count == elements.count && labels?.allSatisfy({ $0.stringValue != nil }) == true
                ? .ranked : .array
        }
        if elements.allSatisfy({ $0.stringValue != nil || $0.intValue != nil }) {
            return isVotes || isNamed ? .votes : nil
        }
        guard let object = first.objectValue else { return nil }
        if object["token"] != nil, object["logprob"] != nil { return .tokens }
        return ScoreValue.first(labelKeys, of: object) != nil
            && ScoreValue.first(scoreKeys, of: object) != nil
            ? .list : nil
    }

    private static func columns(_ prefix: String, in object: JSONObject) -> ScoreLayout? {
        let keys = object.keys.filter { $0.hasPrefix(prefix) && $0.utf8.count > prefix.utf8.count }
        guard keys.count > 1, keys.allSatisfy({ object[$0].flatMap(ScoreValue.number) != nil }) else {
            return nil
        }
        return ScoreLayout(form: .columns, key: prefix, meaning: .ofKey(prefix), columns: keys)
    }

    private static func single(_ object: JSONObject, _ column: String?) -> ScoreLayout? {
        guard let label = labelKeys.first(where: { object[$0].map(ScoreValue.isName) ?? false }),
            let score = (column.map { [$0] } ?? scoreKeys).first(where: {
                object[$0].flatMap(ScoreValue.number) != nil
            })
        else { return nil }
        return ScoreLayout(form: .label, key: label, meaning: .probabilities, confidence: score)
    }
}
