import Datasets
import Foundation
import Tokenizers
import Transformers

/// Examples as token ids, without padding, and their labels: a view of examples in memory or in files.
///
/// Parts of a data set, such as a validation split, are views of the same examples; several data sets can be joined into
/// one.
public struct EncodedDataset: Sendable {
    let storages: [TokenStorage]
    /// The index of each storage's first example among all.
    private let starts: [Int]
    /// The indices of this view's examples among all; `nil` for all of them.
    private let indices: [UInt32]?
    /// Examples of this length reached the maximum and may have been cut.
    private let maxLength: Int
    /// The kind of the labels.
    public let problemType: TaskIdentifier
    /// The number of classes; 1 for regression.
    public let classCount: Int
    /// The tags' names where each word has an output; empty elsewhere.
    let tagNames: [String]
    /// The tokens that have an output, where words are labeled.
    let rowUnit: RowUnit
    /// The bytes of text that each token of the vocabulary stands for; `nil` where tokens are not predicted.
    var tokenBytes: [Int32]?
    /// The first row of each example of this view, and the number of all rows; `nil` where each example has one.
    private let rowStarts: [Int]?
    /// The examples of each query with its documents; `nil` where examples belong to none.
    let groupRanges: [Range<Int>]?

    /// - Parameter tagNames: The tags' names where each word has an output.
    init(storage: TokenStorage, maxLength: Int, tagNames: [String] = []) {
        self.init(
            storages: [storage], indices: nil, maxLength: maxLength,
            problemType: storage.labels.problemType, classCount: storage.labels.classCount,
            tagNames: tagNames, rowUnit: .words)
    }

    private init(
        storages: [TokenStorage], indices: [UInt32]?, maxLength: Int, problemType: TaskIdentifier,
        classCount: Int,
        tagNames: [String], rowUnit: RowUnit, tokenBytes: [Int32]? = nil
    ) {
        self.storages = storages
        self.tokenBytes = tokenBytes
        self.indices = indices
        self.maxLength = maxLength
        self.problemType = problemType
        self.classCount = classCount
        self.tagNames = tagNames
        self.rowUnit = rowUnit
        var start = 0
        let starts = storages.map { storage in
            defer { start += storage.lengths.count }
            return start
        }
        self.starts = starts
        groupRanges = Self.groupRanges(storages, starts, indices)
        guard storages.contains(where: { $0.rows != nil }) else {
            rowStarts = nil
            return
        }
        var rows = [0]
        for index in 0..<(indices?.count ?? start) {
            let (storage, position) = Self.locate(indices.map { Int($0[index]) } ?? index, storages, starts)
            rows.append(rows[index] + (storage.rows?.count(position, by: rowUnit) ?? 0))
        }
        rowStarts = rows
    }

    /// The examples of each group; a storage without groups has one for each row of its file.
    private static func groupRanges(
        _ storages: [TokenStorage], _ starts: [Int], _ indices: [UInt32]?
    ) -> [Range<Int>]? {
        guard storages.contains(where: { $0.groups != nil }) else { return nil }
        let count = indices?.count ?? storages.reduce(0) { $0 + $1.lengths.count }
        var (ranges, last) = ([Range<Int>](), -1)
        for index in 0..<count {
            let all = indices.map { Int($0[index]) } ?? index
            let (storage, position) = locate(all, storages, starts)
            let first =
                storage.groups.map { Int($0.firsts[position]) } ?? position - position % storage.textsPerRow
            let group = all - position + first
            if group == last, let own = ranges.popLast() {
                ranges.append(own.lowerBound..<index + 1)
            } else {
                ranges.append(index..<index + 1)
            }
            last = group
        }
        return ranges
    }

    /// The same examples with outputs for other tokens.
    func byRows(_ unit: RowUnit) -> EncodedDataset {
        EncodedDataset(
            storages: storages, indices: indices, maxLength: maxLength, problemType: problemType,
            classCount: classCount, tagNames: tagNames, rowUnit: unit, tokenBytes: tokenBytes)
    }

    /// The first row of each example, and the number of all rows; where each example has one row, its number.
    var rowOffsets: [Int] { rowStarts ?? Array(0...count) }

    /// The rows of an example among all rows.
    func rows(of index: Int) -> Range<Int> {
        rowStarts.map { $0[index]..<$0[index + 1] } ?? index..<index + 1
    }

    /// The number of rows of all examples.
    public var rowCount: Int { rowStarts?.last ?? count }

    /// True if words have outputs, not examples.
    var hasWordRows: Bool { rowStarts != nil }

    public var count: Int { indices?.count ?? storages.reduce(0) { $0 + $1.lengths.count } }

    private func position(_ index: Int) -> Int { indices.map { Int($0[index]) } ?? index }

    /// The position of an example among those of all storages.
    func place(_ index: Int) -> Int { position(index) }

    /// The storage of an example, and its position there.
    func locate(_ index: Int) -> (storage: TokenStorage, position: Int) {
        Self.locate(position(index), storages, starts)
    }

    private static func locate(_ position: Int, _ storages: [TokenStorage], _ starts: [Int]) -> (
        storage: TokenStorage, position: Int
    ) {
        guard starts.count > 1, let part = starts.lastIndex(where: { $0 <= position }) else {
            return (storages[0], position)
        }
        return (storages[part], position - starts[part])
    }

    /// The index of an example among the rows of its file, from 0.
    func row(of index: Int) -> Int { locate(index).position }

    /// The number of tokens of an example.
    public func length(of index: Int) -> Int {
        let (storage, position) = locate(index)
        return Int(storage.lengths[position])
    }

    /// Reads an example's tokens into one that is reused.
    ///
    /// - Throws: `FileError` where the file that holds them cannot be read.
    public func read(_ index: Int, into example: inout EncodedExample) throws {
        let (storage, position) = locate(index)
        try storage.read(position, into: &example)
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
        if indices == nil, storages.count == 1 { return storages[0].lengths }
        return (0..<count).map { Int32(length(of: $0)) }
    }

    /// The number of examples that were cut at the maximum length, or just reach it.
    public var truncatedCount: Int { (0..<count).count { length(of: $0) >= maxLength } }

    /// True if any of the texts may be a pair.
    public var hasPairs: Bool { storages.contains { $0.hasPairs || $0.layout.hasTypes } }

    /// Some of the examples, without copying them.
    public func subset(_ indices: some Sequence<Int>) -> EncodedDataset {
        EncodedDataset(
            storages: storages, indices: indices.map { UInt32(position($0)) }, maxLength: maxLength,
            problemType: problemType, classCount: classCount, tagNames: tagNames, rowUnit: rowUnit,
            tokenBytes: tokenBytes)
    }

    /// The same examples with other numbers of their tokens, and of those that are predicted.
    ///
    /// - Parameter ids: The new number of each token.
    func renumbered(_ ids: [Int32]) -> EncodedDataset {
        let bytes = tokenBytes.map { own in
            var bytes = [Int32](repeating: 0, count: Int(ids.max() ?? -1) + 1)
            for (count, id) in zip(own, ids) { bytes[Int(id)] = count }
            return bytes
        }
        return EncodedDataset(
            storages: storages.map { $0.renumbered(ids) }, indices: indices, maxLength: maxLength,
            problemType: problemType, classCount: max(classCount, Int(ids.max() ?? -1) + 1),
            tagNames: tagNames,
            rowUnit: rowUnit, tokenBytes: bytes)
    }

    /// This data set's examples, followed by those of others; their indices stay.
    ///
    /// - Parameter others: Data sets whose labels are of the same type, or that have none.
    /// - Throws: ``DistillationError`` where labels of another type would be lost.
    public func joined(with others: [EncodedDataset]) throws -> EncodedDataset {
        guard !others.isEmpty else { return self }
        let parts = [self] + others
        for other in others
        where (other.problemType, other.classCount) != (problemType, classCount) && other.labeledCount > 0 {
            throw DistillationError("data sets whose labels are of two types cannot be joined")
        }
        var (indices, start): ([UInt32], Int) = ([], 0)
        for part in parts {
            indices += (0..<part.count).map { UInt32(start + part.position($0)) }
            start += part.storages.reduce(0) { $0 + $1.lengths.count }
        }
        return EncodedDataset(
            storages: parts.flatMap(\.storages), indices: indices,
            maxLength: parts.map(\.maxLength).max() ?? maxLength, problemType: problemType,
            classCount: classCount, tagNames: tagNames, rowUnit: rowUnit, tokenBytes: tokenBytes)
    }
}

extension EncodedDataset {
    /// True if both hold the same token ids and token types, example by example.
    ///
    /// - Throws: `FileError` where a file that holds them cannot be read.
    func hasSameTokens(as other: EncodedDataset) throws -> Bool {
        guard count == other.count else { return false }
        if indices == other.indices, storages.elementsEqual(other.storages, by: ===) { return true }
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
