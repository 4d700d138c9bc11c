import Files
import Foundation

/// The tokens of many examples, in memory or in a file, with their lengths, rows and labels.
///
/// An example's record is its token ids, two or four bytes each, and behind them, where the data has pairs, the
/// token type of each token, one byte each. Lengths and labels are always in memory: eight bytes an example.
final class TokenStorage: Sendable {
    struct Layout: Sendable, Equatable {
        /// 2 or 4.
        var idBytes: Int
        var hasTypes: Bool

        init(largestID: Int, hasTypes: Bool) {
            idBytes = largestID <= Int(UInt16.max) ? 2 : 4
            self.hasTypes = hasTypes
        }

        var tokenBytes: Int { idBytes + (hasTypes ? 1 : 0) }

        /// Appends an example's record.
        func encode(ids: some Collection<Int32>, types: some Collection<Int32>, into bytes: inout [UInt8]) {
            for id in ids {
                let word = UInt32(bitPattern: id)
                for byte in 0..<idBytes { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
            }
            if hasTypes { for type in types { bytes.append(UInt8(truncatingIfNeeded: type)) } }
        }
    }

    /// The location of the records.
    enum Records: Sendable {
        case memory([UInt8])
        case file(ChecksummedFile)
    }

    let layout: Layout
    /// The number of tokens of each example.
    let lengths: [Int32]
    let labels: ExampleLabels
    /// The rows of examples with an output for each word; `nil` where an example has one.
    let rows: TokenRows?
    /// True if each text has a second one.
    let hasPairs: Bool
    /// The examples of a row of the file: two where its two texts are examples of their own.
    let textsPerRow: Int
    /// The queries that its examples belong to; `nil` where they belong to none.
    let groups: ExampleGroups?
    /// True if the second text of a row is a translation of the first.
    let areTranslations: Bool
    private let records: Records
    /// The number that each token of the records is read as; `nil` for its own.
    private let newIDs: [Int32]?
    /// The first token of every 64th example, among all tokens.
    private let marks: [Int]
    private static let markDistance = 64

    init(
        layout: Layout, records: Records, lengths: [Int32], labels: ExampleLabels, rows: TokenRows? = nil,
        hasPairs: Bool = false, textsPerRow: Int = 1, groups: ExampleGroups? = nil,
        areTranslations: Bool = false, newIDs: [Int32]? = nil
    ) {
        self.newIDs = newIDs
        self.areTranslations = areTranslations
        self.layout = layout
        self.groups = groups
        self.textsPerRow = textsPerRow
        self.hasPairs = hasPairs
        self.records = records
        self.lengths = lengths
        self.labels = labels
        self.rows = rows
        var marks: [Int] = []
        var token = 0
        for (index, length) in lengths.enumerated() {
            if index.isMultiple(of: Self.markDistance) { marks.append(token) }
            token += Int(length)
        }
        self.marks = marks
    }

    /// The same examples with other numbers of their tokens, and of those that are predicted.
    ///
    /// - Parameter ids: The new number of each token.
    func renumbered(_ ids: [Int32]) -> TokenStorage {
        TokenStorage(
            layout: layout, records: records, lengths: lengths, labels: labels.renumbered(ids), rows: rows,
            hasPairs: hasPairs, textsPerRow: textsPerRow, groups: groups, areTranslations: areTranslations,
            newIDs: newIDs.map { $0.map { ids[Int($0)] } } ?? ids)
    }

    /// Reads an example.
    ///
    /// - Throws: `FileError` where the file cannot be read.
    func read(_ index: Int, into example: inout EncodedExample) throws {
        let mark = index / Self.markDistance
        var start = marks[mark]
        for earlier in mark * Self.markDistance..<index { start += Int(lengths[earlier]) }
        let (length, offset) = (Int(lengths[index]), start * layout.tokenBytes)
        let size = length * layout.tokenBytes
        switch records {
        case .memory(let bytes):
            bytes.withUnsafeBytes { bytes in
                decode(
                    UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + size]), length, into: &example)
            }
        case .file(let file):
            try withUnsafeTemporaryAllocation(byteCount: max(1, size), alignment: 4) { buffer in
                let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(size))
                try file.read(into: buffer, at: offset)
                decode(UnsafeRawBufferPointer(buffer), length, into: &example)
            }
        }
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, _ length: Int, into example: inout EncodedExample) {
        example.inputIDs.removeAll(keepingCapacity: true)
        example.tokenTypeIDs.removeAll(keepingCapacity: true)
        for token in 0..<length {
            let id =
                layout.idBytes == 2
                ? Int32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * token, as: UInt16.self)))
                : Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * token, as: Int32.self))
            example.inputIDs.append(newIDs.map { $0[Int(id)] } ?? id)
            example.tokenTypeIDs.append(layout.hasTypes ? Int32(bytes[layout.idBytes * length + token]) : 0)
        }
    }
}
