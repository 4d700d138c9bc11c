/// How long texts are.
public struct LengthSummary: Sendable, Equatable {
    /// How many texts have each length.
    private var counts: [Int: Int] = [:]
    /// The number of texts.
    public private(set) var count = 0

    /// Makes the summary of no texts.
    public init() {}

    mutating func add(_ length: Int) {
        counts[length, default: 0] += 1
        count += 1
    }

    /// The length that half of the texts do not exceed; 0 without texts.
    public var median: Int { percentile(50) }

    /// The length that 95 % of the texts do not exceed; 0 without texts.
    public var percentile95: Int { percentile(95) }

    /// The greatest length; 0 without texts.
    public var maximum: Int { counts.keys.max() ?? 0 }

    /// The least length that a share of the texts does not exceed (nearest rank).
    ///
    /// - Parameter percent: The share, from 1 to 100.
    /// - Returns: The length; 0 without texts.
    public func percentile(_ percent: Int) -> Int {
        let rank = (count * percent + 99) / 100
        var seen = 0
        for length in counts.keys.sorted() {
            seen += counts[length] ?? 0
            if seen >= rank { return length }
        }
        return 0
    }
}
