import Torch
import Transformers

/// The labels of rows: plain arrays, an element a row, by the form of the labels.
public enum Targets: Sendable, Equatable {
    /// One of `count` classes each; ``BatchLabels/unlabelled`` where there is no label.
    case classes([Int], count: Int)
    /// Any number of `count` classes each, in rising order; `nil` where there is no label.
    case sets([[Int]?], count: Int)
    /// A number each; NaN where there is no label.
    case values([Float])
    /// The tags of sentences' words, one sentence after another.
    case tags(WordTags)
    /// The tokens of texts that a language model is to predict, one text after another.
    case tokens(TokenTargets)
    /// How alike texts are, of texts that get a vector each.
    case scores(PairScores)
    /// How relevant documents are to their queries.
    case groups(GroupTargets)

    /// The task whose labels are of this form.
    public var task: TaskIdentifier {
        switch self {
        case .classes: .singleLabel
        case .sets: .multiLabel
        case .values: .regression
        case .tags: .tokenClassification
        case .tokens: .causalLanguageModel
        case .scores: .embedding
        case .groups(let groups): groups.task
        }
    }

    /// The number of rows.
    public var count: Int {
        switch self {
        case .classes(let classes, _): classes.count
        case .sets(let sets, _): sets.count
        case .values(let values): values.count
        case .tags(let tags): tags.classes.count
        case .tokens(let tokens): tokens.ids.count
        case .scores(let scores): scores.values.count
        case .groups(let groups): groups.labels.count
        }
    }

    /// True if a row has a label.
    public func isLabeled(_ row: Int) -> Bool {
        switch self {
        case .classes(let classes, _): classes[row] != BatchLabels.unlabelled
        case .sets(let sets, _): sets[row] != nil
        case .values(let values): !values[row].isNaN
        case .tags(let tags): tags.classes[row] != BatchLabels.unlabelled
        case .tokens: true
        case .scores(let scores): !scores.values[row].isNaN
        case .groups(let groups): groups.isLabeled(row)
        }
    }

    /// The rows that have a label.
    public var labeledIndices: [Int] {
        if case .groups(let groups) = self { return groups.labeledRows }
        return (0..<count).filter(isLabeled)
    }

    /// The targets of some rows, in rising order where they are of sentences.
    public func subset(_ rows: [Int]) -> Targets {
        switch self {
        case .classes(let classes, let count): .classes(rows.map { classes[$0] }, count: count)
        case .sets(let sets, let count): .sets(rows.map { sets[$0] }, count: count)
        case .values(let values): .values(rows.map { values[$0] })
        case .tags(let tags): .tags(tags.subset(rows))
        case .tokens(let tokens): .tokens(tokens.subset(rows))
        case .scores(let scores): .scores(scores.subset(rows))
        case .groups(let groups): .groups(groups.subset(rows))
        }
    }

    /// The targets as tensors.
    ///
    /// - Parameter device: The device on which the loss is computed.
    /// - Throws: `TorchError` where memory is short.
    public func batchLabels(device: Device = .cpu) throws -> BatchLabels {
        switch self {
        case .classes(let classes, _): try BatchLabels(classes: classes, device: device)
        case .sets(let sets, let count): try BatchLabels(sets: sets, classes: count, device: device)
        case .values(let values): try BatchLabels(values: values, device: device)
        case .tags(let tags): try BatchLabels(classes: tags.classes, device: device)
        case .tokens(let tokens): try BatchLabels(classes: tokens.ids, device: device)
        case .scores(let scores): try BatchLabels(values: scores.values, device: device)
        case .groups(let groups): try BatchLabels(groups: groups, device: device)
        }
    }
}

extension Targets {
    /// The class of each row, ``BatchLabels/unlabelled`` where there is none; of no row where labels are of another form.
    public var classes: [Int] {
        switch self {
        case .classes(let classes, _): classes
        case .tags(let tags): tags.classes
        case .tokens(let tokens): tokens.ids
        case .sets, .values, .scores, .groups: []
        }
    }

    /// The classes of each row, none where there is no label; of no row where labels are of another form.
    var sets: [[Int]] {
        if case .sets(let sets, _) = self { return sets.map { $0 ?? [] } }
        return []
    }

    /// The number of each row; of no row where labels are of another form.
    var numbers: [Float] {
        switch self {
        case .values(let values): values
        case .groups(let groups): groups.labels
        default: []
        }
    }
}

extension Targets {
    /// The rows of each example: one, or a sentence's words.
    var examples: [Range<Int>] {
        switch self {
        case .tags(let tags): RowOffsets.ranges(tags.offsets)
        case .tokens(let tokens): RowOffsets.ranges(tokens.offsets)
        case .scores(let scores): scores.pairs
        case .groups(let groups): groups.ranges
        case .classes, .sets, .values: (0..<count).map { $0..<$0 + 1 }
        }
    }

    /// The rows of examples that were drawn, any number of times each, and their targets.
    func drawing(_ examples: [Range<Int>], _ drawn: [Int]) -> (rows: [Int], targets: Targets) {
        let rows = drawn.flatMap { Array(examples[$0]) }
        let offsets = drawn.reduce(into: [0]) { $0.append($0[$0.count - 1] + examples[$1].count) }
        return switch self {
        case .tags(let tags):
            (
                rows,
                .tags(
                    WordTags(classes: rows.map { tags.classes[$0] }, names: tags.names, offsets: offsets))
            )
        case .tokens(let tokens):
            (
                rows,
                .tokens(
                    TokenTargets(
                        ids: rows.map { tokens.ids[$0] }, offsets: offsets,
                        bytes: tokens.bytes.map { bytes in rows.map { bytes[$0] } }))
            )
        case .groups(let groups): (rows, .groups(groups.drawing(examples, drawn)))
        case .classes, .sets, .values, .scores: (rows, subset(rows))
        }
    }
}

/// The tags of sentences' words.
public struct WordTags: Sendable, Equatable {
    /// The tag of each word by its number, ``BatchLabels/unlabelled`` where there is none; one sentence after another.
    public var classes: [Int]
    /// The tags' names.
    public var names: [String]
    /// The offset at which each sentence's words begin, and the number of all words.
    public var offsets: [Int]

    public init(classes: [Int], names: [String], offsets: [Int]) {
        self.classes = classes
        self.names = names
        self.offsets = offsets
    }

    /// Some of the words, in rising order, in their sentences; sentences without any of them are dropped.
    func subset(_ rows: [Int]) -> WordTags {
        WordTags(
            classes: rows.map { classes[$0] }, names: names, offsets: RowOffsets.subset(offsets, rows))
    }

    /// The tags of each sentence's words, by name, and of what is predicted for them.
    func sentences(_ predictions: [Int]) -> [(tags: [String], predicted: [String])] {
        zip(offsets, offsets.dropFirst()).map { start, end in
            (
                (start..<end).map { names[classes[$0]] }, (start..<end).map { names[predictions[$0]] }
            )
        }
    }
}
