/// A metric that is a mean over all rows, or a function of one, by what each example adds to it: quick to compute again for any
/// draw of examples.
struct ExampleMeans: Sendable {
    /// What the examples' rows add up to.
    let sums: [Double]
    /// What the sums are divided by: the examples' numbers of rows, or of bytes.
    let counts: [Double]
    /// The metric from the mean.
    let metric: @Sendable (Double) -> Double

    /// - Parameters:
    ///   - sums: What the examples' rows add up to.
    ///   - counts: What the sums are divided by, as many.
    ///   - metric: The metric from the mean.
    init(
        sums: [Double], counts: [Double], metric: @escaping @Sendable (Double) -> Double = { $0 }
    ) {
        (self.sums, self.counts, self.metric) = (sums, counts, metric)
    }

    /// The number of examples.
    var count: Int { sums.count }

    /// The metric of all examples; NaN where nothing is counted.
    var value: Double { value(of: sums.indices) }

    /// The metric of some examples, each any number of times; NaN where nothing is counted.
    func value(of examples: some Sequence<Int>) -> Double {
        var (sum, count) = (0.0, 0.0)
        for example in examples {
            sum += sums[example]
            count += counts[example]
        }
        return metric(sum / count)
    }
}
