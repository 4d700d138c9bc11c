import Datasets
import Transformers

extension EncodedDataset {
    /// True if an example, or one of its words, has a label.
    public func isLabeled(_ index: Int) -> Bool {
        let (storage, position) = locate(index)
        guard let rows = storage.rows else { return storage.labels.isLabeled(position) }
        return rows.range(position).contains { storage.labels.isLabeled($0) }
    }

    /// The class of an example; ``BatchLabels/unlabelled`` where it has none, or labels are no classes.
    public func label(of index: Int) -> Int {
        let (storage, position) = locate(index)
        return storage.labels.label(position)
    }

    /// The classes of an example, in rising order; `nil` where it has no label, or labels are no sets.
    public func labelSet(of index: Int) -> [Int]? {
        let (storage, position) = locate(index)
        return storage.labels.labelSet(position)
    }

    /// The number that is an example's label; NaN where it has none, or labels are no numbers.
    public func value(of index: Int) -> Float {
        let (storage, position) = locate(index)
        return storage.labels.value(position)
    }

    /// The class of each example, as ``label(of:)`` gives it.
    public var labels: [Int] { (0..<count).map(label) }

    /// The class of each example by which a part is drawn; empty where examples have no one class.
    var strata: [Int] {
        problemType.definition.labelForm == .name && !hasWordRows ? labels : []
    }

    /// The labels of all examples.
    public var targets: Targets { targets(of: 0..<count) }

    /// The labels of some examples' rows.
    func targets(of indices: some Collection<Int>) -> Targets {
        if problemType.definition.predictsTokens { return .tokens(tokenTargets(of: indices)) }
        if hasWordRows { return .tags(wordTags(of: indices)) }
        if hasGroups { return .groups(groupTargets(of: indices)) }
        if problemType.definition.embedsTexts { return .scores(pairScores(of: indices)) }
        return switch problemType.definition.labelForm {
        case .name: .classes(indices.map(label), count: classCount)
        case .set: .sets(indices.map(labelSet), count: classCount)
        case .number: .values(indices.map(value))
        }
    }

    /// The number of examples that have a label.
    public var labeledCount: Int { (0..<count).count(where: isLabeled) }

    /// The number of examples, or of words, of each class; empty for regression.
    public var classCounts: [Int] {
        guard problemType.definition.hasClasses else { return [] }
        var counts = [Int](repeating: 0, count: classCount)
        guard !hasWordRows else {
            for label in targets.classes where counts.indices.contains(label) { counts[label] += 1 }
            return counts
        }
        for index in 0..<count where isLabeled(index) {
            for label in labelSet(of: index) ?? [label(of: index)] where counts.indices.contains(label) {
                counts[label] += 1
            }
        }
        return counts
    }

    /// Holds out a fraction of each class, or of all labeled examples where labels are sets or numbers, chosen by the seed
    /// alone. Examples without a label stay in the training part.
    ///
    /// - Throws: `DatasetError` where one of the parts would be empty.
    func split(
        validationFraction: Double, seed: UInt64, source: String
    ) throws -> (train: EncodedDataset, validation: EncodedDataset) {
        let (strata, groups) = (strata, sentences)
        let labels = groups.map { group in
            problemType.definition.needsNoLabels || group.contains(where: isLabeled)
                ? (strata.isEmpty ? 0 : strata[group.lowerBound]) : HoldOut.unlabelled
        }
        let parts = try HoldOut.split(
            labels: labels, validationFraction: validationFraction, seed: seed, source: source)
        func part(_ indices: [UInt32]) -> EncodedDataset { subset(indices.lazy.flatMap { groups[Int($0)] }) }
        return (part(parts.train), part(parts.validation))
    }
}
