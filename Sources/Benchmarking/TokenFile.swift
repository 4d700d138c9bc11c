import Distillation
import Files
import Foundation

/// Sentences as token ids in a file that a worker of any language reads: little-endian Int32 numbers, the number of
/// sentences, where each begins and the last ends, the ids, and the token type of each token.
struct TokenFile: Equatable {
    var offsets: [Int32]
    var ids: [Int32]
    var types: [Int32]

    var count: Int { offsets.count - 1 }

    init(_ dataset: EncodedDataset) throws {
        (offsets, ids, types) = ([0], [], [])
        var example = EncodedExample()
        for index in 0..<dataset.count {
            try dataset.read(index, into: &example)
            ids += example.inputIDs
            types += example.tokenTypeIDs
            offsets.append(Int32(ids.count))
        }
    }

    /// - Throws: `FileError` where the file cannot be read; `DistillationError` where it is not of this form.
    init(contentsOf url: URL) throws {
        let file = try MappedFile(url)
        let numbers = withExtendedLifetime(file) {
            (0..<file.count / 4).map {
                Int32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
            }
        }
        let damaged = DistillationError("\(url.path): is not a file of tokens")
        guard let first = numbers.first, first >= 0, numbers.count >= Int(first) + 2 else { throw damaged }
        offsets = Array(numbers[1...Int(first) + 1])
        let start = Int(first) + 2
        guard let total = offsets.last, total >= 0, numbers.count == start + 2 * Int(total), offsets[0] == 0,
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw damaged }
        ids = Array(numbers[start..<start + Int(total)])
        types = Array(numbers[(start + Int(total))...])
    }

    /// - Throws: `FileError` where the file cannot be written.
    func write(to url: URL) throws {
        try AtomicFile.write(to: url) { writer in
            for numbers in [[Int32(count)], offsets, ids, types] {
                try numbers.map(\.littleEndian).withUnsafeBytes { try writer.write($0) }
            }
        }
    }

    /// The tokens of a sentence, among all tokens.
    func range(of sentence: Int) -> Range<Int> { Int(offsets[sentence])..<Int(offsets[sentence + 1]) }

    /// The sentences' indices in batches of similar length, the longest first.
    func batches(of size: Int) -> [[Int]] {
        let order = (0..<count).sorted {
            let (one, other) = (offsets[$0 + 1] - offsets[$0], offsets[$1 + 1] - offsets[$1])
            return (other, $0) < (one, $1)
        }
        return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
    }
}
