import Datasets
import Foundation
import Tokenizers

/// Labelled examples as token ids, without padding: a view of examples that lie in memory or in a file.
///
/// Parts of a data set, such as a validation split, are views of the same examples.
public struct EncodedDataset: Sendable {
    let storage: TokenStorage
    /// The places of this view's examples in the storage; `nil` for all.
    private let places: [UInt32]?
    /// Examples of this length reached the maximum and may have been cut.
    private let maxLength: Int

    init(storage: TokenStorage, places: [UInt32]? = nil, maxLength: Int) {
        self.storage = storage
        self.places = places
        self.maxLength = maxLength
    }

    public var count: Int { places?.count ?? storage.lengths.count }

    private func place(_ index: Int) -> Int { places.map { Int($0[index]) } ?? index }

    /// The number of tokens of an example.
    public func length(of index: Int) -> Int { Int(storage.lengths[place(index)]) }

    /// The class of an example.
    public func label(of index: Int) -> Int { Int(storage.labels[place(index)]) }

    /// Reads an example's tokens into one that is used again and again.
    ///
    /// - Throws: `FileError` where the file that holds them cannot be read.
    public func read(_ index: Int, into example: inout EncodedExample) throws {
        try storage.read(place(index), into: &example)
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
    public var lengths: [Int32] { places.map { $0.map { storage.lengths[Int($0)] } } ?? storage.lengths }

    /// The class of each example.
    public var labels: [Int] { (0..<count).map(label) }

    /// How many examples were cut at the maximum length, or just reach it.
    public var truncatedCount: Int { (0..<count).count { length(of: $0) >= maxLength } }

    /// Whether any example may have a token of the second segment.
    public var hasPairs: Bool { storage.layout.hasTypes }

    /// Some of the examples, without copying them.
    public func subset(_ indices: some Sequence<Int>) -> EncodedDataset {
        EncodedDataset(storage: storage, places: indices.map { UInt32(place($0)) }, maxLength: maxLength)
    }

    /// Holds back a share of each class, chosen by the seed alone.
    ///
    /// - Throws: `DatasetError` where one of the parts would be empty.
    func split(
        validationFraction: Double, seed: UInt64, source: String
    ) throws -> (train: EncodedDataset, validation: EncodedDataset) {
        let parts = try HoldOut.split(
            labels: (0..<count).lazy.map(label), validationFraction: validationFraction, seed: seed,
            source: source)
        return (subset(parts.train.lazy.map { Int($0) }), subset(parts.validation.lazy.map { Int($0) }))
    }
}

extension EncodedDataset {
    /// Tokenizes a data set in memory, on all cores.
    ///
    /// - Parameters:
    ///   - dataset: Texts, or pairs, with labels.
    ///   - tokenizer: The tokenizer of the model that is to read them.
    ///   - maxLength: Longer inputs are cut to this many tokens, special tokens included.
    /// - Throws: ``DistillationError`` for an example without a label.
    public init(_ dataset: TextDataset, tokenizer: Tokenizer, maxLength: Int) throws {
        var labels: [Int] = []
        labels.reserveCapacity(dataset.examples.count)
        for (index, example) in dataset.examples.enumerated() {
            guard let label = example.label else {
                throw DistillationError(
                    "\(dataset.source): example \(index + 1) has no label; every example needs one here")
            }
            labels.append(label)
        }
        let texts = dataset.examples.map { TextInput($0.text, pair: $0.pair) }
        try self.init(texts, labels: labels, tokenizer: tokenizer, maxLength: maxLength)
    }

    /// Tokenizes texts in memory; `labels` are zeros where there are none.
    public init(_ texts: [TextInput], labels: [Int]? = nil, tokenizer: Tokenizer, maxLength: Int) throws {
        let encoding = try tokenizer.encodeFlat(
            batch: texts.map { TextPair($0.text, pair: $0.pair) }, maxLength: maxLength)
        self.init(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: labels ?? [Int](repeating: 0, count: texts.count), maxLength: maxLength)
    }

    /// Takes token ids that are there already.
    ///
    /// - Parameters:
    ///   - offsets: Where each example begins; one more than there are examples.
    init(
        inputIDs: [Int32], tokenTypeIDs: [Int32], offsets: [Int], labels: [Int], maxLength: Int = .max
    ) {
        let layout = TokenStorage.Layout(
            largestID: Int(inputIDs.max() ?? 0), hasTypes: tokenTypeIDs.contains { $0 != 0 })
        var records: [UInt8] = []
        var lengths: [Int32] = []
        for (start, end) in zip(offsets, offsets.dropFirst()) {
            layout.encode(ids: inputIDs[start..<end], types: tokenTypeIDs[start..<end], into: &records)
            lengths.append(Int32(end - start))
        }
        self.init(
            storage: TokenStorage(
                layout: layout, records: .memory(records), lengths: lengths, labels: labels.map { Int32($0) }),
            maxLength: maxLength)
    }
}

/// A text, or a pair of texts, to classify.
public struct TextInput: Sendable, Equatable {
    public var text: String
    public var pair: String?

    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }
}
