import Datasets
import Foundation
import Tokenizers
import Transformers

extension EncodedDataset {
    /// Tokenizes a data set in memory, on all cores.
    ///
    /// - Parameters:
    ///   - dataset: Texts, or pairs, with labels.
    ///   - tokenizer: The tokenizer of the model that is to read them.
    ///   - maxLength: Longer inputs are cut to this many tokens, special tokens included.
    ///   - allowsUnlabeled: True if examples may lack a label.
    /// - Throws: ``DistillationError`` for an example without a label where that is not allowed.
    public init(
        _ dataset: TextDataset, tokenizer: Tokenizer, maxLength: Int, allowsUnlabeled: Bool = false
    ) throws {
        if !allowsUnlabeled, let index = dataset.examples.firstIndex(where: { !$0.isLabeled }) {
            throw DistillationError(
                "\(dataset.source): example \(index + 1) has no label; every example needs one here")
        }
        let count = dataset.labels?.count ?? 0
        let targets: Targets =
            switch dataset.labelForm {
            case .name:
                .classes(dataset.examples.map { $0.label ?? BatchLabels.unlabelled }, count: count)
            case .set: .sets(dataset.examples.map(\.labelSet), count: count)
            case .number: .values(dataset.examples.map { $0.value ?? .nan })
            }
        let texts = dataset.examples.map { TextPair($0.text, pair: $0.pair) }
        try self.init(texts, targets: targets, tokenizer: tokenizer, maxLength: maxLength)
    }

    /// Tokenizes texts in memory.
    ///
    /// - Parameters:
    ///   - texts: Texts, or pairs.
    ///   - labels: A class for each; `nil` for none.
    ///   - tokenizer: The tokenizer of the model that is to read them.
    ///   - maxLength: Longer inputs are cut to this many tokens, special tokens included.
    /// - Throws: `TokenizerError` where a text cannot be encoded.
    public init(_ texts: [TextPair], labels: [Int]? = nil, tokenizer: Tokenizer, maxLength: Int) throws {
        let labels = labels ?? [Int](repeating: BatchLabels.unlabelled, count: texts.count)
        try self.init(texts, targets: Self.targets(labels), tokenizer: tokenizer, maxLength: maxLength)
    }

    /// Tokenizes texts in memory, with labels of any type.
    ///
    /// - Parameters:
    ///   - texts: Texts, or pairs.
    ///   - targets: A label for each.
    ///   - tokenizer: The tokenizer of the model that is to read them.
    ///   - maxLength: Longer inputs are cut to this many tokens, special tokens included.
    /// - Throws: `TokenizerError` where a text cannot be encoded.
    public init(_ texts: [TextPair], targets: Targets, tokenizer: Tokenizer, maxLength: Int) throws {
        let encoding = try tokenizer.encodeFlat(batch: texts, maxLength: maxLength)
        self.init(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            targets: targets, maxLength: maxLength)
    }

    /// Takes token ids that are there already, and classes.
    init(
        inputIDs: [Int32], tokenTypeIDs: [Int32], offsets: [Int], labels: [Int], maxLength: Int = .max
    ) {
        self.init(
            inputIDs: inputIDs, tokenTypeIDs: tokenTypeIDs, offsets: offsets, targets: Self.targets(labels),
            maxLength: maxLength)
    }

    private static func targets(_ labels: [Int]) -> Targets {
        .classes(labels, count: max(0, (labels.max() ?? -1) + 1))
    }

    /// Takes token ids that are there already.
    ///
    /// - Parameters:
    ///   - offsets: Where each example begins; one more than there are examples.
    init(
        inputIDs: [Int32], tokenTypeIDs: [Int32], offsets: [Int], targets: Targets, maxLength: Int = .max
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
                layout: layout, records: .memory(records), lengths: lengths, labels: ExampleLabels(targets),
                groups: targets.exampleGroups),
            maxLength: maxLength)
    }
}
