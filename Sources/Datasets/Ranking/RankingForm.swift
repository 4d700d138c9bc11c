import JSON

/// The forms in which data files have queries with documents.
public enum RankingForm: String, CaseIterable, Sendable {
    /// A query with a positive and one or several negative documents (`negative`, or `negative_1`, `negative_2`, …).
    case triples
    /// FlagEmbedding's lists `pos` and `neg`, with `pos_scores` and `neg_scores`.
    case positivesAndNegatives = "pos_neg"
    /// A query with a list of documents.
    case lists
    /// A query with one document in each row; rows of one query that follow one another belong together.
    case pairs

    /// The form of a row.
    ///
    /// - Throws: ``RankingError`` for a row of none.
    init(_ object: JSONObject, _ keys: RankingKeys) throws {
        if object["pos"] != nil || object["neg"] != nil {
            self = .positivesAndNegatives
        } else if object["positive"] != nil, !Self.negatives(object).isEmpty {
            self = .triples
        } else if RankingKeys.first(RankingKeys.lists, object) != nil, keys.options.pairColumn == nil {
            self = .lists
        } else if keys.options.pairColumn != nil || RankingKeys.first(RankingKeys.single, object) != nil {
            self = .pairs
        } else {
            throw RankingError(
                "this is no query with documents; give 'query' with 'positive' and 'negative', 'pos' and 'neg', 'documents', or "
                    + "'document' (the keys are \(list(Array(object.keys))))")
        }
    }

    /// Returns true if a row of an object has more than two texts beside each other, which pairs do not.
    static func isGroup(_ object: JSONObject) -> Bool {
        object["pos"] != nil || object["neg"] != nil
            || object["positive"] != nil && !negatives(object).isEmpty
            || RankingKeys.first(RankingKeys.lists, object) != nil
    }

    /// The keys of negative documents, in their order.
    static func negatives(_ object: JSONObject) -> [String] {
        if object["negative"] != nil || object["negatives"] != nil {
            return ["negative", "negatives"].filter { object[$0] != nil }
        }
        let numbered = object.keys.compactMap { key -> (Int, String)? in
            guard key.hasPrefix("negative_"), let number = Int(key.dropFirst("negative_".count)) else {
                return nil
            }
            return (number, key)
        }
        return numbered.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Reads a row.
    ///
    /// - Throws: ``RankingError``.
    func group(_ object: JSONObject, _ keys: RankingKeys, _ place: ObjectRow) throws -> RankedGroup {
        let query = try RankingKeys.text(keys.query(object), object)
        var group = RankedGroup(query: query, documents: [], labels: [], scores: [], place: place)
        switch self {
        case .triples: try readTriple(object, keys, &group)
        case .positivesAndNegatives: try readPositives(object, keys, &group)
        case .lists: try readList(object, keys, &group)
        case .pairs: try readPair(object, keys, &group)
        }
        guard !group.documents.isEmpty else {
            throw RankingError("the query has no document; remove the row")
        }
        return group
    }

    private func readTriple(_ object: JSONObject, _ keys: RankingKeys, _ group: inout RankedGroup) throws {
        let positive = try RankingKeys.text("positive", object)
        let negatives = try Self.negatives(object).flatMap { try RankingKeys.texts($0, object) }
        group.documents = [positive] + negatives
        group.labels = [1] + negatives.map { _ in 0 }
        group.scores = group.documents.map { _ in nil }
        let chosen = try keys.options.scoresColumn.map { try keys.required($0, object, "--scores-column") }
        guard let key = chosen ?? RankingKeys.first(RankingKeys.differences, object),
            let numbers = try RankingKeys.numbers(key, object)
        else { return }
        if numbers.count == group.documents.count {
            group.scores = numbers
        } else if numbers.count == negatives.count {
            // By how much the positive document is better: only differences count.
            group.scores = [0] + numbers.map { $0.map { -$0 } }
        } else {
            throw RankingError(
                "'\(shown(key))' has \(numbers.count) numbers; give \(group.documents.count), a score of each document, or "
                    + "\(negatives.count), the positive one's less each negative one's")
        }
    }

    private func readPositives(_ object: JSONObject, _ keys: RankingKeys, _ group: inout RankedGroup) throws {
        for (name, label) in [("pos", Float(1)), ("neg", 0)] {
            let texts = try RankingKeys.texts(name, object)
            let key = "\(name)_scores"
            let scores = try RankingKeys.numbers(key, object)
            guard scores == nil || scores?.count == texts.count else {
                throw RankingError(
                    "'\(key)' has \(scores?.count ?? 0) numbers for \(texts.count) texts in '\(name)'; give a score of each"
                )
            }
            group.documents += texts
            group.labels += texts.map { _ in label }
            group.scores += scores ?? texts.map { _ in nil }
        }
        if let chosen = keys.options.scoresColumn, !["pos_scores", "neg_scores"].contains(chosen) {
            throw RankingError(
                "--scores-column \(shown(chosen)): scores of 'pos' and 'neg' are 'pos_scores' and 'neg_scores'; name pos_scores"
            )
        }
    }

    private func readList(_ object: JSONObject, _ keys: RankingKeys, _ group: inout RankedGroup) throws {
        let name = RankingKeys.first(RankingKeys.lists, object) ?? ""
        group.documents = try RankingKeys.texts(name, object)
        func values(_ key: String?) throws -> [Float?] {
            guard let key, let numbers = try RankingKeys.numbers(key, object) else {
                return group.documents.map { _ in nil }
            }
            guard numbers.count == group.documents.count else {
                throw RankingError(
                    "'\(shown(key))' has \(numbers.count) numbers for \(group.documents.count) texts in '\(name)'; give one for "
                        + "each")
            }
            return numbers
        }
        group.labels = try values(keys.label(object))
        group.scores = try values(keys.score(object))
    }

    private func readPair(_ object: JSONObject, _ keys: RankingKeys, _ group: inout RankedGroup) throws {
        let key =
            try keys.options.pairColumn.map { try keys.required($0, object, "--text-pair-column") }
            ?? RankingKeys.first(RankingKeys.single, object) ?? ""
        group.documents = [try RankingKeys.text(key, object)]
        func value(_ key: String?) throws -> [Float?] {
            guard let key, let numbers = try RankingKeys.numbers(key, object) else { return [nil] }
            guard numbers.count == 1 else {
                throw RankingError("'\(shown(key))' has \(numbers.count) numbers for one document; give one")
            }
            return numbers
        }
        // A number beside two texts is a label; a score beside a label, or one that was named, is a teacher's.
        var (label, score) = (try keys.label(object), try keys.score(object))
        if label == nil, keys.options.scoresColumn == nil {
            (label, score) = (RankingKeys.first(RankingKeys.similarities, object), nil)
        }
        group.labels = try value(label)
        group.scores = try value(score)
        if key == "positive", group.labels == [nil] { group.labels = [1] }
    }
}
