/// The metrics of predicted entities against the true ones, as seqeval's `classification_report` computes them. An
/// entity counts as found where type, first and last word are right.
public struct EntityMetrics: Sendable, Equatable {
    /// Precision, recall and F1, each 0 where it is not defined, and the number of true entities.
    public struct Scores: Sendable, Equatable {
        public var precision: Double
        public var recall: Double
        public var f1: Double
        public var support: Int
    }

    /// The scores of a type of entities.
    public struct TypeScores: Sendable, Equatable {
        public var type: String
        public var scores: Scores
    }

    /// Each type that occurs among the true or the predicted entities, in the order of code points.
    public let types: [TypeScores]
    /// Of all entities together: conlleval's scores.
    public let micro: Scores
    /// The mean over the types; 0 where seqeval divides by none.
    public let macro: Scores
    /// The mean over the types, weighted by their numbers of true entities.
    public let weighted: Scores
    /// The fraction of words whose tag is right; 0 where there are none.
    public let accuracy: Double
    /// The number of words.
    public let wordCount: Int
}

extension EntityMetrics {
    /// Compares sentences.
    ///
    /// - Parameters:
    ///   - predictions: The tags of each sentence's words.
    ///   - references: As many sentences of true tags.
    ///   - reading: How entities are read from tags.
    /// - Throws: ``EntityMetricsError`` where sentences or tags are not equally many, and in strict reading for a tag
    ///   of another scheme.
    public init(
        predictions: [[String]], references: [[String]], reading: EntityReading = .lenient
    ) throws {
        guard predictions.count == references.count else {
            throw EntityMetricsError(
                "there are \(predictions.count) predicted sentences but \(references.count) true ones; give as many"
            )
        }
        var counter = EntityCounter(reading: reading)
        for (prediction, reference) in zip(predictions, references) {
            try counter.add(prediction: prediction, reference: reference)
        }
        self = counter.metrics
    }
}

/// Counts entities sentence by sentence, so that the sentences need not be kept.
public struct EntityCounter: Sendable {
    /// Entities of a type.
    private struct Counts {
        var found = 0
        var predicted = 0
        var actual = 0
    }

    private let reading: EntityReading
    /// By the type's bytes.
    private var counts: [[UInt8]: Counts] = [:]
    private var (wordCount, rightCount) = (0, 0)

    /// Makes an empty counter.
    public init(reading: EntityReading = .lenient) { self.reading = reading }

    /// Adds a sentence.
    ///
    /// - Throws: ``EntityMetricsError`` where the tags are not equally many, and in strict reading for a tag of
    ///   another scheme.
    public mutating func add(prediction: [String], reference: [String]) throws {
        guard prediction.count == reference.count else {
            throw EntityMetricsError(
                "a sentence has \(prediction.count) predicted tags but \(reference.count) true ones; give as many"
            )
        }
        let predicted = try reading.entities(prediction)
        let actual = try Set(reading.entities(reference))
        for entity in predicted {
            counts[Array(entity.type.utf8), default: Counts()].predicted += 1
            if actual.contains(entity) { counts[Array(entity.type.utf8), default: Counts()].found += 1 }
        }
        for entity in actual { counts[Array(entity.type.utf8), default: Counts()].actual += 1 }
        wordCount += reference.count
        rightCount += zip(prediction, reference).count { $0.utf8.elementsEqual($1.utf8) }
    }

    /// The number of entities predicted so far.
    var predictedCount: Int { counts.values.reduce(0) { $0 + $1.predicted } }
    /// The number of them that are right.
    var foundCount: Int { counts.values.reduce(0) { $0 + $1.found } }

    /// The metrics of the sentences so far.
    public var metrics: EntityMetrics {
        let sorted = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let scores = sorted.map { Self.scores($0.value) }
        let total = sorted.reduce(into: Counts()) { total, element in
            total.found += element.value.found
            total.predicted += element.value.predicted
            total.actual += element.value.actual
        }
        return EntityMetrics(
            types: zip(sorted, scores).map {
                .init(type: String(decoding: $0.key, as: UTF8.self), scores: $1)
            },
            micro: Self.scores(total), macro: Self.mean(scores, total.actual) { _ in 1 },
            weighted: Self.mean(scores, total.actual) { Double($0.support) },
            accuracy: wordCount == 0 ? 0 : Double(rightCount) / Double(wordCount), wordCount: wordCount)
    }

    private static func scores(_ counts: Counts) -> EntityMetrics.Scores {
        func ratio(_ part: Double, _ whole: Double) -> Double { whole == 0 ? 0 : part / whole }
        let precision = ratio(Double(counts.found), Double(counts.predicted))
        let recall = ratio(Double(counts.found), Double(counts.actual))
        return EntityMetrics.Scores(
            precision: precision, recall: recall, f1: ratio(2 * precision * recall, precision + recall),
            support: counts.actual)
    }

    private static func mean(
        _ scores: [EntityMetrics.Scores], _ support: Int, weight: (EntityMetrics.Scores) -> Double
    ) -> EntityMetrics.Scores {
        let total = scores.reduce(0) { $0 + weight($1) }
        func mean(_ value: (EntityMetrics.Scores) -> Double) -> Double {
            total == 0 ? 0 : scores.reduce(0) { $0 + value($1) * weight($1) } / total
        }
        return EntityMetrics.Scores(
            precision: mean(\.precision), recall: mean(\.recall), f1: mean(\.f1), support: support)
    }
}
