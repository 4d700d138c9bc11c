/// Makes entities of a model's predictions for tokens, as transformers' pipeline `token-classification` does.
public struct EntityAggregation: Sendable, Equatable {
    /// The way tokens become entities: `aggregation_strategy`.
    public enum Strategy: String, CaseIterable, Sendable {
        /// Each token by itself.
        case none
        /// Groups neighbors with the same label; a `B-` begins another entity.
        case simple
        /// The same with whole words, each with its first token's label.
        case first
        /// The same with whole words, each with the label of the highest mean score.
        case average
        /// The same with whole words, each with the label of its surest token.
        case max
    }

    public var strategy: Strategy
    /// The labels by their numbers, as the model's `id2label` has them.
    public var labels: [String]
    /// Labels of which no entity is made. With ``Strategy/none`` they are whole labels, else those without their
    /// prefix.
    public var ignoredLabels: [String]

    /// Makes an aggregation.
    public init(strategy: Strategy, labels: [String], ignoredLabels: [String] = ["O"]) {
        self.strategy = strategy
        self.labels = labels
        self.ignoredLabels = ignoredLabels
    }

    /// A token and the model's predictions for it.
    public struct Token: Sendable, Equatable {
        /// The token as the vocabulary writes it, or the text of an unknown one.
        public var piece: String
        /// The probability of each label.
        public var scores: [Float]
        /// Its range in the text, in Unicode scalars.
        public var start: Int
        public var end: Int
        /// Its index in the model's input.
        public var index: Int
        /// True if it continues the word of the token before it.
        public var isSubword: Bool

        /// Makes a token.
        public init(piece: String, scores: [Float], start: Int, end: Int, index: Int, isSubword: Bool) {
            self.piece = piece
            self.scores = scores
            self.start = start
            self.end = end
            self.index = index
            self.isSubword = isSubword
        }
    }

    /// An entity in a text.
    public struct Entity: Sendable, Equatable {
        /// The label without its prefix (`entity_group`), with ``Strategy/none`` the label (`entity`).
        public var label: String
        public var score: Float
        /// The tokenizer's decoding of the entity's tokens; the text itself is between ``start`` and ``end``.
        public var word: String
        /// The token's index in the model's input; only with ``Strategy/none``.
        public var index: Int?
        /// Its range in the text, in Unicode scalars.
        public var start: Int
        public var end: Int

        /// Makes an entity.
        public init(label: String, score: Float, word: String, index: Int? = nil, start: Int, end: Int) {
            self.label = label
            self.score = score
            self.word = word
            self.index = index
            self.start = start
            self.end = end
        }
    }

    /// The entities of a text.
    ///
    /// - Parameters:
    ///   - tokens: The tokens of the text in order, without those that the tokenizer added.
    ///   - join: The text of tokens, as `Tokenizer.decode(tokens:)` makes it.
    /// - Throws: Any error of `join`.
    public func entities(_ tokens: [Token], join: ([String]) throws -> String) rethrows -> [Entity] {
        let entities: [Entity]
        switch strategy {
        case .none: entities = tokens.map { entity($0) }
        case .simple: entities = try grouped(tokens.map { entity($0) }, join)
        case .first, .average, .max:
            entities = try grouped(words(tokens).map { try entity(ofWord: $0, join) }, join)
        }
        return entities.filter { entity in
            !ignoredLabels.contains { $0.utf8.elementsEqual(entity.label.utf8) }
        }
    }

    // MARK: - Tokens and words

    private func entity(_ token: Token) -> Entity {
        let best = Self.best(token.scores)
        return Entity(
            label: label(best), score: score(best, token.scores), word: token.piece, index: token.index,
            start: token.start, end: token.end)
    }

    /// Tokens that continue a word with the token that it begins with.
    private func words(_ tokens: [Token]) -> [ArraySlice<Token>] {
        var words: [ArraySlice<Token>] = []
        var start = 0
        for index in tokens.indices.dropFirst() where !tokens[index].isSubword {
            words.append(tokens[start..<index])
            start = index
        }
        return tokens.isEmpty ? [] : words + [tokens[start...]]
    }

    private func entity(ofWord tokens: ArraySlice<Token>, _ join: ([String]) throws -> String) rethrows
        -> Entity
    {
        let scores: [Float]
        switch strategy {
        case .average: scores = Self.mean(tokens.map(\.scores))
        case .max:
            var surest = tokens[tokens.startIndex].scores
            for token in tokens.dropFirst() where token.scores.max() ?? 0 > surest.max() ?? 0 {
                surest = token.scores
            }
            scores = surest
        case .none, .simple, .first: scores = tokens[tokens.startIndex].scores
        }
        let best = Self.best(scores)
        return Entity(
            label: label(best), score: score(best, scores), word: try join(tokens.map(\.piece)),
            start: tokens[tokens.startIndex].start, end: tokens[tokens.endIndex - 1].end)
    }

    /// The index of the greatest score, the first of equal ones.
    private static func best(_ scores: [Float]) -> Int {
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }

    private static func mean(_ rows: [[Float]]) -> [Float] {
        let width = rows.map(\.count).min() ?? 0
        return (0..<width).map { column in rows.reduce(0) { $0 + $1[column] } / Float(rows.count) }
    }

    private func label(_ index: Int) -> String {
        labels.indices.contains(index) ? labels[index] : "LABEL_\(index)"
    }

    private func score(_ index: Int, _ scores: [Float]) -> Float {
        scores.indices.contains(index) ? scores[index] : 0
    }

    // MARK: - Groups

    /// Groups neighbors of one type; a `B-` begins a group.
    private func grouped(_ entities: [Entity], _ join: ([String]) throws -> String) rethrows -> [Entity] {
        var groups: [Entity] = []
        var start = 0
        for index in entities.indices {
            let isLast = index + 1 == entities.count
            if !isLast {
                let (begins, type) = Self.tag(entities[index + 1].label)
                if !begins, type.utf8.elementsEqual(Self.tag(entities[index].label).type.utf8) { continue }
            }
            groups.append(try group(entities[start...index], join))
            start = index + 1
        }
        return groups
    }

    private func group(_ entities: ArraySlice<Entity>, _ join: ([String]) throws -> String) rethrows -> Entity
    {
        let (first, last) = (entities[entities.startIndex], entities[entities.endIndex - 1])
        // The part after the first hyphen, whatever the prefix.
        let scalars = first.label.unicodeScalars
        let label = scalars.firstIndex(of: "-").map { String(first.label[scalars.index(after: $0)...]) }
        return Entity(
            label: label ?? first.label,
            score: entities.reduce(0) { $0 + $1.score } / Float(entities.count),
            word: try join(entities.map(\.word)), start: first.start, end: last.end)
    }

    /// Returns true if a label begins an entity, and its type; one without `B-` or `I-` continues an entity of its name.
    private static func tag(_ label: String) -> (begins: Bool, type: String) {
        let bytes = label.utf8
        for (prefix, begins) in [("B-", true), ("I-", false)] where bytes.starts(with: prefix.utf8) {
            return (begins, String(decoding: bytes.dropFirst(2), as: UTF8.self))
        }
        return (false, label)
    }
}
