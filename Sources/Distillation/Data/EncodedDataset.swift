import Datasets
import Foundation
import Tokenizers

/// Labelled examples as token ids, without padding, in flat arrays.
public struct EncodedDataset: Sendable {
    /// The token ids of all examples, one after another.
    public let inputIDs: [Int32]
    /// The segment of each token: 0, or 1 in the second text of a pair.
    public let tokenTypeIDs: [Int32]
    /// Where each example begins; one more than there are examples.
    public let offsets: [Int]
    /// The class of each example.
    public let labels: [Int]
    /// How many examples were cut at the maximum length.
    public let truncatedCount: Int

    public var count: Int { labels.count }

    /// The number of tokens of each example.
    public var lengths: [Int] { (0..<count).map { offsets[$0 + 1] - offsets[$0] } }

    /// Whether any example has a token of the second segment.
    public var hasPairs: Bool { tokenTypeIDs.contains { $0 != 0 } }

    /// Tokenizes a data set on all cores.
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

    /// Tokenizes texts; `labels` are zeros where there are none.
    public init(_ texts: [TextInput], labels: [Int]? = nil, tokenizer: Tokenizer, maxLength: Int) throws {
        let encoding = try tokenizer.encodeFlat(
            batch: texts.map { TextPair($0.text, pair: $0.pair) }, maxLength: maxLength)
        self.init(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: labels ?? [Int](repeating: 0, count: texts.count),
            truncatedCount: (0..<encoding.count).count { encoding[$0].count >= maxLength })
    }

    init(inputIDs: [Int32], tokenTypeIDs: [Int32], offsets: [Int], labels: [Int], truncatedCount: Int = 0) {
        self.inputIDs = inputIDs
        self.tokenTypeIDs = tokenTypeIDs
        self.offsets = offsets
        self.labels = labels
        self.truncatedCount = truncatedCount
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
