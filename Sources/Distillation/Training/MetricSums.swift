/// Running sums over training examples.
public struct MetricSums: Sendable, Equatable, Codable {
    public var examples = 0
    public var loss = 0.0
    /// Each term's unweighted loss, summed over the examples that it was computed for.
    private var terms: [String: Double] = [:]
    private var termExamples: [String: Int] = [:]
    private var termOrder: [String] = []
    public var statistics = TrainingStatistics()

    public init() {}

    /// - Parameters:
    ///   - terms: Each term's part of the step's loss.
    ///   - total: Their part of the loss.
    ///   - count: The number of these examples.
    ///   - all: The number of all examples of the step, of which others have the rest of the loss.
    mutating func add(_ terms: NamedValues, total: Double, count: Int, of all: Int) {
        examples += count
        loss += total * Double(all)
        for (name, value) in terms { add(name, value * Double(all), count) }
    }

    private mutating func add(_ name: String, _ sum: Double, _ count: Int) {
        if termExamples[name] == nil { termOrder.append(name) }
        terms[name, default: 0] += sum
        termExamples[name, default: 0] += count
    }

    mutating func merge(_ other: MetricSums) {
        examples += other.examples
        loss += other.loss
        for name in other.termOrder { add(name, other.terms[name] ?? 0, other.termExamples[name] ?? 0) }
        statistics.merge(other.statistics)
    }

    var meanLoss: Double { loss / Double(max(1, examples)) }

    /// Means over the examples.
    var meanTerms: NamedValues {
        var values = NamedValues()
        for name in termOrder { values[name] = (terms[name] ?? 0) / Double(max(1, termExamples[name] ?? 1)) }
        return values
    }
}
