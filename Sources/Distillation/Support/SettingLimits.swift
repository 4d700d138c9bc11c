/// The largest values of settings that are sizes: far beyond any use, and so small that no sum or product of them overflows.
package enum SettingLimits {
    /// Examples of a micro-batch, micro-batches of a step, and other counts of things in memory.
    package static let count = 1_000_000
    /// Optimizer steps.
    static let steps = 2_000_000_000
    /// Repetitions and folds.
    package static let repetitions = 10_000

    /// - Throws: ``DistillationError`` that names the setting where a value is not in `low ... high`.
    package static func require(_ value: Int, _ name: String, from low: Int = 1, to high: Int = count) throws
    {
        guard value >= low else { throw DistillationError("\(name) must be at least \(low), got \(value)") }
        guard value <= high else { throw DistillationError("\(name) must be at most \(high), got \(value)") }
    }
}
