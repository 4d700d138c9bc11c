/// Cuts examples into k folds for cross-validation; each fold is the validation data once.
///
/// The folds are stratified: each class is shuffled and dealt out in turn, and the next class goes on where the last
/// one stopped. So the folds' counts of a class differ by at most one example, and so do their sizes. Examples
/// without a class are one class: a plain k-fold.
public struct KFold: Sendable, Equatable {
    /// The number of folds.
    public let k: Int

    /// The fold of each example, in `0 ..< k`.
    public let assignments: [UInt32]

    /// Classes with fewer examples than folds, in ascending order: some folds have no example of them.
    public let sparseClasses: [Int]

    /// Cuts labeled examples into stratified folds, chosen by the seed alone.
    ///
    /// - Parameters:
    ///   - labels: The class of each example; one number for all that have none.
    ///   - k: The number of folds, from 2 to the number of examples.
    ///   - seed: Decides which examples are in which fold.
    ///   - source: The examples' source, for an error.
    /// - Throws: ``DatasetError`` where there cannot be so many folds.
    public init(labels: some Collection<Int>, k: Int, seed: UInt64, source: String) throws {
        guard k >= 2 else { throw DatasetError(source, "folds must be at least 2, got \(k)") }
        guard k <= labels.count else {
            throw DatasetError(
                source, "\(labels.count) examples cannot be cut into \(k) folds; ask for fewer folds")
        }
        var byClass: [Int: [UInt32]] = [:]
        for (place, label) in labels.enumerated() { byClass[label, default: []].append(UInt32(place)) }
        var generator = SeededGenerator(seed: seed)
        var assignments = [UInt32](repeating: 0, count: labels.count)
        var sparse: [Int] = []
        var next = 0
        for label in byClass.keys.sorted() {
            let shuffled = (byClass.removeValue(forKey: label) ?? []).shuffled(seededBy: &generator)
            if shuffled.count < k { sparse.append(label) }
            for place in shuffled {
                assignments[Int(place)] = UInt32(next)
                next = next + 1 == k ? 0 : next + 1
            }
        }
        self.k = k
        self.assignments = assignments
        sparseClasses = sparse
    }

    /// Cuts examples into folds without regard to classes, as for regression.
    ///
    /// - Parameters:
    ///   - count: The number of examples.
    ///   - k: The number of folds, from 2 to the number of examples.
    ///   - seed: Decides which examples are in which fold.
    ///   - source: The examples' source, for an error.
    /// - Throws: ``DatasetError`` where there cannot be so many folds.
    public init(count: Int, k: Int, seed: UInt64, source: String) throws {
        try self.init(labels: repeatElement(-1, count: max(0, count)), k: k, seed: seed, source: source)
    }

    /// The parts when one fold is held back.
    ///
    /// - Parameter fold: The fold that is the validation data, in `0 ..< k`.
    /// - Returns: The indices of the examples of each part, in their order.
    /// - Throws: ``DatasetError`` where there is no such fold.
    public func split(fold: Int) throws -> (train: [UInt32], validation: [UInt32]) {
        guard (0..<k).contains(fold) else {
            throw DatasetError("there is no fold \(fold); the folds are 0 to \(k - 1)")
        }
        var parts: (train: [UInt32], validation: [UInt32]) = ([], [])
        parts.train.reserveCapacity(assignments.count - assignments.count / k)
        parts.validation.reserveCapacity(assignments.count / k + 1)
        for (place, own) in assignments.enumerated() {
            if Int(own) == fold {
                parts.validation.append(UInt32(place))
            } else {
                parts.train.append(UInt32(place))
            }
        }
        return parts
    }
}
