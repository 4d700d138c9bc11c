/// Chooses the examples that are held back for validation.
public enum HoldOut {
    /// The class number of an example without a label; such examples are never held back.
    public static let unlabelled = -100

    /// Holds out a fraction of each class, chosen by the seed alone.
    ///
    /// - Parameters:
    ///   - labels: The class of each example, or ``unlabelled``; where labels are no classes, 0 for all that have one.
    ///   - validationFraction: The fraction, between 0 and 1.
    ///   - seed: Decides which examples are held back.
    ///   - source: The examples' source, for an error.
    /// - Returns: The indices of the examples of each part, in their order.
    /// - Throws: ``DatasetError`` where one of the parts would be empty.
    public static func split(
        labels: some Collection<Int>, validationFraction: Double, seed: UInt64, source: String
    ) throws -> (train: [UInt32], validation: [UInt32]) {
        var byClass: [Int: [UInt32]] = [:]
        for (place, label) in labels.enumerated() { byClass[label, default: []].append(UInt32(place)) }
        var generator = SeededGenerator(seed: seed)
        byClass[unlabelled] = nil
        let labeled = byClass.values.reduce(0) { $0 + $1.count }
        var isHeld = [Bool](repeating: false, count: labels.count)
        var held = 0
        for label in byClass.keys.sorted() {
            let shuffled = (byClass.removeValue(forKey: label) ?? []).shuffled(seededBy: &generator)
            let count = Int((Double(shuffled.count) * validationFraction).rounded())
            for place in shuffled.prefix(count) { isHeld[Int(place)] = true }
            held += count
        }
        guard held > 0, held < labeled else {
            let what = labeled == labels.count ? "examples" : "examples with a label"
            throw DatasetError(
                source,
                "there are too few \(what) (\(labeled)) to hold back \(validationFraction) of them; "
                    + "give a file with --validation")
        }
        var parts: (train: [UInt32], validation: [UInt32]) = ([], [])
        parts.train.reserveCapacity(labels.count - held)
        parts.validation.reserveCapacity(held)
        for place in isHeld.indices {
            if isHeld[place] {
                parts.validation.append(UInt32(place))
            } else {
                parts.train.append(UInt32(place))
            }
        }
        return parts
    }
}
