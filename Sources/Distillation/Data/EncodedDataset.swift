import Datasets
import Foundation
import Tokenizers
import Transformers

/// Examples as token ids, without padding, and their labels: a view of examples that lie in memory or in files.
///
/// Parts of a data set, such as a validation split, are views of the same examples; several data sets can be joined into
/// one.
public struct EncodedDataset: Sendable {
    private let storages: [TokenStorage]
    /// Where each storage's first example stands among all.
    private let starts: [Int]
    /// The places of this view's examples among all; `nil` for all of them.
    private let places: [UInt32]?
    /// Examples of this length reached the maximum and may have been cut.
    private let maxLength: Int
    /// What the labels are.
    public let problemType: TaskIdentifier
    /// The number of classes; 1 for regression.
    public let classCount: Int

    init(storage: TokenStorage, maxLength: Int) {
        self.init(
            storages: [storage], places: nil, maxLength: maxLength,
            problemType: storage.labels.problemType, classCount: storage.labels.classCount)
    }

    private init(
        storages: [TokenStorage], places: [UInt32]?, maxLength: Int, problemType: TaskIdentifier, classCount: Int
    ) {
        self.storages = storages
        self.places = places
        self.maxLength = maxLength
        self.problemType = problemType
        self.classCount = classCount
        var start = 0
        starts = storages.map { storage in
            defer { start += storage.lengths.count }
            return start
        }
    }

    public var count: Int { places?.count ?? storages.reduce(0) { $0 + $1.lengths.count } }

    private func place(_ index: Int) -> Int { places.map { Int($0[index]) } ?? index }

    /// The storage of an example, and its place there.
    private func locate(_ index: Int) -> (storage: TokenStorage, place: Int) {
        let place = place(index)
        guard starts.count > 1, let part = starts.lastIndex(where: { $0 <= place }) else {
            return (storages[0], place)
        }
        return (storages[part], place - starts[part])
    }

    /// The place of an example among the rows of its file, from 0.
    func row(of index: Int) -> Int { locate(index).place }

    /// The number of tokens of an example.
    public func length(of index: Int) -> Int {
        let (storage, place) = locate(index)
        return Int(storage.lengths[place])
    }

    /// Reads an example's tokens into one that is used again and again.
    ///
    /// - Throws: `FileError` where the file that holds them cannot be read.
    public func read(_ index: Int, into example: inout EncodedExample) throws {
        let (storage, place) = locate(index)
        try storage.read(place, into: &example)
    }

    /// An example's tokens.
    ///
    /// - Throws: `FileError` where the file that holds them cannot be read.
    public func example(_ index: Int) throws -> EncodedExample {
        var example = EncodedExample()
        try read(index, into: &example)
        return example
    }

    /// The number of tokens of each example.
    public var lengths: [Int32] {
        if places == nil, storages.count == 1 { return storages[0].lengths }
        return (0..<count).map { Int32(length(of: $0)) }
    }

    /// How many examples were cut at the maximum length, or just reach it.
    public var truncatedCount: Int { (0..<count).count { length(of: $0) >= maxLength } }

    /// Whether any of the texts may be a pair.
    public var hasPairs: Bool { storages.contains { $0.hasPairs || $0.layout.hasTypes } }

    /// Some of the examples, without copying them.
    public func subset(_ indices: some Sequence<Int>) -> EncodedDataset {
        EncodedDataset(
            storages: storages, places: indices.map { UInt32(place($0)) }, maxLength: maxLength,
            problemType: problemType, classCount: classCount)
    }

    /// This data set's examples, and others behind them; their places stay.
    ///
    /// - Parameter others: Data sets whose labels are of the same type, or that have none.
    /// - Throws: ``DistillationError`` where labels of another type would be lost.
    public func joined(with others: [EncodedDataset]) throws -> EncodedDataset {
        guard !others.isEmpty else { return self }
        let parts = [self] + others
        for other in others
        where (other.problemType, other.classCount) != (problemType, classCount) && other.labelledCount > 0 {
            throw DistillationError("data sets whose labels are of two types cannot be joined")
        }
        var (places, start): ([UInt32], Int) = ([], 0)
        for part in parts {
            places += (0..<part.count).map { UInt32(start + part.place($0)) }
            start += part.storages.reduce(0) { $0 + $1.lengths.count }
        }
        return EncodedDataset(
            storages: parts.flatMap(\.storages), places: places,
            maxLength: parts.map(\.maxLength).max() ?? maxLength, problemType: problemType,
            classCount: classCount)
    }

    // MARK: - Labels

    /// Whether an example has a label.
    public func isLabelled(_ index: Int) -> Bool {
        let (storage, place) = locate(index)
        return storage.labels.isLabelled(place)
    }

    /// The class of an example; ``BatchLabels/unlabelled`` where it has none, or labels are no classes.
    public func label(of index: Int) -> Int {
        let (storage, place) = locate(index)
        return storage.labels.label(place)
    }

    /// The classes of an example, in rising order; `nil` where it has no label, or labels are no sets.
    public func labelSet(of index: Int) -> [Int]? {
        let (storage, place) = locate(index)
        return storage.labels.labelSet(place)
    }

    /// The number that is an example's label; NaN where it has none, or labels are no numbers.
    public func value(of index: Int) -> Float {
        let (storage, place) = locate(index)
        return storage.labels.value(place)
    }

    /// The class of each example, as ``label(of:)`` gives it.
    public var labels: [Int] { (0..<count).map(label) }

    /// What all examples are labelled with.
    public var targets: Targets { targets(of: 0..<count) }

    /// What some examples are labelled with.
    func targets(of indices: some Collection<Int>) -> Targets {
        switch problemType {
        case .singleLabel: .classes(indices.map(label), count: classCount)
        case .multiLabel: .sets(indices.map(labelSet), count: classCount)
        case .regression: .values(indices.map(value))
        }
    }

    /// The number of examples that have a label.
    public var labelledCount: Int { (0..<count).count(where: isLabelled) }

    /// The number of examples of each class; empty for regression.
    public var classCounts: [Int] {
        guard problemType != .regression else { return [] }
        var counts = [Int](repeating: 0, count: classCount)
        for index in 0..<count where isLabelled(index) {
            for label in labelSet(of: index) ?? [label(of: index)] where counts.indices.contains(label) {
                counts[label] += 1
            }
        }
        return counts
    }

    /// Holds back a share of each class, or of all labelled examples where labels are sets or numbers, chosen by the seed
    /// alone. Examples without a label stay in the training part.
    ///
    /// - Throws: `DatasetError` where one of the parts would be empty.
    func split(
        validationFraction: Double, seed: UInt64, source: String
    ) throws -> (train: EncodedDataset, validation: EncodedDataset) {
        let strata = (0..<count).lazy.map { index in
            isLabelled(index) ? (problemType == .singleLabel ? label(of: index) : 0) : HoldOut.unlabelled
        }
        let parts = try HoldOut.split(
            labels: strata, validationFraction: validationFraction, seed: seed, source: source)
        return (subset(parts.train.lazy.map { Int($0) }), subset(parts.validation.lazy.map { Int($0) }))
    }
}

extension EncodedDataset {
    /// Whether both hold the same token ids and segments, example by example.
    ///
    /// - Throws: `FileError` where a file that holds them cannot be read.
    func hasSameTokens(as other: EncodedDataset) throws -> Bool {
        guard count == other.count else { return false }
        if places == other.places, storages.elementsEqual(other.storages, by: ===) { return true }
        var (a, b) = (EncodedExample(), EncodedExample())
        for index in 0..<count {
            guard length(of: index) == other.length(of: index) else { return false }
            try read(index, into: &a)
            try other.read(index, into: &b)
            guard a == b else { return false }
        }
        return true
    }
}
