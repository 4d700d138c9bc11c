import Foundation
import JSON

extension ScoreLayout {
    /// The scores of a row.
    ///
    /// - Throws: ``ScoreError`` for a row of another form than the first, and for what is no score.
    func values(_ object: JSONObject) throws -> ScoreRow.Values {
        switch form {
        case .columns:
            return .named(
                try columns.map { column in
                    ScoreRow.Entry(
                        String(decoding: column.utf8.dropFirst(key.utf8.count), as: UTF8.self),
                        try number(object[column], column))
                })
        case .label:
            guard let label = object[key].flatMap(ScoreValue.name), !label.isEmpty else {
                throw ScoreError("'\(shown(key))' must be the name of a label, got \(Self.type(object[key]))")
            }
            return .named([ScoreRow.Entry(label, try number(object[confidence], confidence))])
        default: break
        }
        guard let value = object[key].map(ScoreValue.parsed) else {
            throw ScoreError("'\(shown(key))' is missing; every row needs it")
        }
        switch form {
        case .tokens:
            guard let entries = ScoreValue.tokens(value) else {
                throw ScoreError("there are no log-probabilities of tokens, as in the rows before")
            }
            return .named(
                try unique(entries.map { .init(ScoreValue.trimmed($0.name), $0.value) }, joining: true))
        case .array: return .positional(try elements(value).map { try number($0, key) })
        case .ranked: return .named(try unique(ranked(value, object)))
        case .object, .votes: return .named(try unique(members(value)))
        default: return .named(try unique(list(value)))
        }
    }

    private static func type(_ value: JSONValue?) -> String { value?.typeName ?? "nothing" }

    private var place: String { key.isEmpty ? "the row" : "'\(shown(key))'" }

    private func number(_ value: JSONValue?, _ name: String) throws -> Double {
        guard let value, let number = ScoreValue.number(value) else {
            let text = value?.stringValue.map { "'\(shown($0))'" } ?? Self.type(value)
            throw ScoreError("a score of '\(shown(name))' must be a finite number, got \(text)")
        }
        return number
    }

    private func elements(_ value: JSONValue) throws -> [JSONValue] {
        guard value.arrayValue?.isEmpty != true else {
            throw ScoreError("\(place) is empty; a row needs the score of a label, or leave the row out")
        }
        guard let elements = value.arrayValue else {
            throw ScoreError(
                "\(place) must be \(form.description), as in the rows before, got \(value.typeName)")
        }
        return elements
    }

    private func ranked(_ value: JSONValue, _ object: JSONObject) throws -> [ScoreRow.Entry] {
        let scores = try elements(value)
        guard let labels = object["labels"].map(ScoreValue.parsed)?.arrayValue, labels.count == scores.count
        else {
            throw ScoreError("'labels' and \(place) must be of one length")
        }
        return try zip(labels, scores).map { label, score in
            guard let name = ScoreValue.name(label), !name.isEmpty else {
                throw ScoreError("'labels' must be names, got \(label.typeName) among them")
            }
            return ScoreRow.Entry(name, try number(score, name))
        }
    }

    private func members(_ value: JSONValue) throws -> [ScoreRow.Entry] {
        if form == .votes, let votes = value.arrayValue {
            guard !votes.isEmpty else { throw ScoreError("there are no votes") }
            return try votes.map { vote in
                guard let name = ScoreValue.name(vote), !name.isEmpty else {
                    throw ScoreError("a vote must be the name of a label, got \(vote.typeName)")
                }
                return ScoreRow.Entry(name, 1)
            }
        }
        guard value.objectValue?.isEmpty != true else {
            throw ScoreError("\(place) is empty; a row needs the score of a label, or leave the row out")
        }
        guard let members = value.objectValue else {
            throw ScoreError(
                "\(place) must be \(form.description), as in the rows before, got \(value.typeName)")
        }
        let entries = try members.map { ScoreRow.Entry($0.key, try number($0.value, $0.key)) }
        guard form == .votes else { return entries }
        guard entries.allSatisfy({ $0.value >= 0 }), entries.contains(where: { $0.value > 0 }) else {
            throw ScoreError("the votes must be counts of 0 or more, at least one of them above 0")
        }
        return entries
    }

    private func list(_ value: JSONValue) throws -> [ScoreRow.Entry] {
        try elements(value).map { element in
            guard let object = element.objectValue,
                let name = ScoreValue.first(Self.labelKeys, of: object).flatMap(ScoreValue.name),
                !name.isEmpty
            else { throw ScoreError("an element of \(place) has no label") }
            return ScoreRow.Entry(name, try number(ScoreValue.first(Self.scoreKeys, of: object), name))
        }
    }

    /// The entries, each name once: votes are counted, the probabilities of tokens that are one name are added.
    private func unique(_ entries: [ScoreRow.Entry], joining: Bool = false) throws -> [ScoreRow.Entry] {
        var places: [[UInt8]: Int] = [:]
        var result: [ScoreRow.Entry] = []
        for entry in entries {
            if let place = places[Array(entry.name.utf8)] {
                guard joining || form == .votes else {
                    throw ScoreError("the label '\(shown(entry.name))' occurs twice")
                }
                result[place].value =
                    joining
                    ? Self.logOfSum(result[place].value, entry.value) : result[place].value + entry.value
            } else {
                places[Array(entry.name.utf8)] = result.count
                result.append(entry)
            }
        }
        return result
    }
}

extension ScoreLayout {
    /// The logarithm of the sum of two numbers whose logarithms are given.
    fileprivate static func logOfSum(_ one: Double, _ other: Double) -> Double {
        let (high, low) = (max(one, other), min(one, other))
        return high + log1p(exp(low - high))
    }
}
