/// Counts of numbers up to bounds, as Prometheus wants them.
struct Histogram: Sendable {
    /// The largest number of each bucket, in ascending order.
    let bounds: [Double]
    private var counts: [Int]
    private(set) var sum = 0.0
    private(set) var count = 0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count)
    }

    /// Bounds of durations in seconds, from a tenth of a millisecond to a minute.
    static let seconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
        60,
    ]
    /// Powers of two.
    static let sizes: [Double] = (0...15).map { Double(1 << $0) }

    mutating func record(_ value: Double) {
        if let bucket = bounds.firstIndex(where: { value <= $0 }) { counts[bucket] += 1 }
        sum += value
        count += 1
    }

    /// The lines of the exposition format.
    func lines(_ name: String) -> String {
        var total = 0
        var text = "# TYPE \(name) histogram\n"
        for (bound, count) in zip(bounds, counts) {
            total += count
            text += "\(name)_bucket{le=\"\(bound)\"} \(total)\n"
        }
        return text + "\(name)_bucket{le=\"+Inf\"} \(count)\n\(name)_sum \(sum)\n\(name)_count \(count)\n"
    }
}
