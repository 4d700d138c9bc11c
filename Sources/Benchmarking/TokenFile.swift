import Distillation
import Files
import Foundation

/// Sentences as token ids in a file that a worker of any language reads: little-endian Int32 numbers, the number of
/// sentences, where each begins and the last ends, the ids, and the token type of each token; for models that tag words
/// then the number of words that have an output, and the token among all that gives it.
struct TokenFile: Equatable {
    var offsets: [Int32]
    var ids: [Int32]
    var types: [Int32]
    /// The tokens whose outputs are wanted, in ascending order; `nil` where sentences have outputs.
    var rows: [Int32]?

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
        rows = try dataset.wordOutputs()?.tokens.map { Int32($0) }
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
        guard let total = offsets.last, total >= 0, numbers.count >= start + 2 * Int(total), offsets[0] == 0,
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw damaged }
        ids = Array(numbers[start..<start + Int(total)])
        let end = start + 2 * Int(total)
        types = Array(numbers[(start + Int(total))..<end])
        guard numbers.count > end else { return }
        let words = Array(numbers[(end + 1)...])
        guard words.count == Int(numbers[end]), words.allSatisfy({ (0..<total).contains($0) }),
            zip(words, words.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw damaged }
        rows = words
    }

    /// - Throws: `FileError` where the file cannot be written.
    func write(to url: URL) throws {
        try AtomicFile.write(to: url) { writer in
            let words = rows.map { [[Int32($0.count)], $0] } ?? []
            for numbers in [[Int32(count)], offsets, ids, types] + words {
                try numbers.map(\.littleEndian).withUnsafeBytes { try writer.write($0) }
            }
        }
    }

    /// The indices of a sentence's outputs among all outputs.
    func outputs(of sentence: Int) -> Range<Int> {
        guard let rows else { return sentence..<sentence + 1 }
        func first(from token: Int32) -> Int {
            var (low, high) = (0, rows.count)
            while low < high {
                let middle = (low + high) / 2
                if rows[middle] < token { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return first(from: offsets[sentence])..<first(from: offsets[sentence + 1])
    }

    /// The number of all outputs.
    var outputCount: Int { rows?.count ?? count }

    /// The sentences' indices in batches of similar length, the longest first.
    func batches(of size: Int) -> [[Int]] {
        let order = (0..<count).sorted {
            let (one, other) = (offsets[$0 + 1] - offsets[$0], offsets[$1 + 1] - offsets[$1])
            return (other, $0) < (one, $1)
        }
        return stride(from: 0, to: count, by: size).map { Array(order[$0..<min($0 + size, count)]) }
    }
}
